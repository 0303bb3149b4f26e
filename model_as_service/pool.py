"""A pool of kept-alive HTTP connections, each call under one total deadline, enforced by libcurl.

urllib3, requests and httpx bound each socket operation, so a server that sends a byte now and then holds a web thread
for as long as it likes. libcurl's CURLOPT_TIMEOUT_MS bounds the whole call: connecting, sending, waiting, receiving.
"""

import io
from collections.abc import Mapping
from dataclasses import dataclass
from queue import Empty, LifoQueue

import pycurl


class CallFailed(Exception):  # noqa: N818
    """No whole answer came: refused, reset, or not in time. The message says which."""


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole HTTP answer; header names in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Pool:
    """Connections to one server, made when needed, used by one thread at a time, the warmest one first."""

    def __init__(self) -> None:
        self._idle: LifoQueue[pycurl.Curl] = LifoQueue()

    def get(self, url: str, seconds: float) -> Reply:
        """GET with a total deadline; raises CallFailed."""
        return self._call(url, seconds, {pycurl.HTTPGET: True})

    def post(self, url: str, body: bytes, headers: Mapping[str, str], seconds: float) -> Reply:
        """POST with a total deadline; raises CallFailed."""
        lines = [f"{name}: {value}" for name, value in headers.items()]
        # Without this libcurl announces larger bodies with `Expect: 100-continue` and waits for leave: a round trip.
        lines.append("Expect:")
        return self._call(url, seconds, {pycurl.POST: True, pycurl.POSTFIELDS: body, pycurl.HTTPHEADER: lines})

    def close(self) -> None:
        """Close the idle connections."""
        while not self._idle.empty():
            self._idle.get_nowait().close()

    def _call(self, url: str, seconds: float, options: Mapping[int, object]) -> Reply:
        if seconds <= 0:
            raise CallFailed("no time was left to call")
        try:
            curl = self._idle.get_nowait()
        except Empty:
            curl = pycurl.Curl()
        try:
            return _perform(curl, url, seconds, options)
        except pycurl.error as error:
            raise CallFailed(error.args[1]) from error
        finally:
            curl.reset()  # forgets the options and the request, keeps the connection
            self._idle.put(curl)


def _perform(curl: pycurl.Curl, url: str, seconds: float, options: Mapping[int, object]) -> Reply:
    body, headers = io.BytesIO(), dict[str, str]()

    def header(line: bytes) -> None:
        name, colon, value = line.decode("latin-1").partition(":")
        if colon:
            headers[name.strip().lower()] = value.strip()

    settings: dict[int, object] = {
        pycurl.URL: url,
        pycurl.TIMEOUT_MS: max(1, int(seconds * 1e3)),
        pycurl.NOSIGNAL: True,  # several threads
        pycurl.PROXY: "",
        pycurl.MAXAGE_CONN: 60,  # less than the server keeps a connection: it never closes under a request
        pycurl.WRITEDATA: body,
        pycurl.HEADERFUNCTION: header,
        **options,
    }
    for option, value in settings.items():
        curl.setopt(option, value)
    curl.perform()
    return Reply(curl.getinfo(pycurl.RESPONSE_CODE), headers, body.getvalue())
