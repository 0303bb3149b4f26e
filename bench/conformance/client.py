"""HTTP by hand: one connection for a request, every header as given, and an end to every wait."""

import http.client
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import urlsplit

from bench.exits import UsageProblem
from bench.processes.asking import ended_after

LARGEST_BODY = 64 * 1024 * 1024
SHOWN = 120  # characters of a body in a sentence
HTTP_OK = 200
T = TypeVar("T", bool, str, list[Any], dict[str, Any])


class Missed(Exception):  # noqa: N818 - it is a finding about the server, not an error of ours
    """The server does not do what is asked; the message says what it does."""


class NotOffered(Exception):  # noqa: N818
    """There is nothing to check here; the message says why."""


class NoAnswer(Missed):
    """No whole answer came: refused, closed, not HTTP, or not in time."""


@dataclass(frozen=True)
class Answer:
    """A whole HTTP answer; header names in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def __str__(self) -> str:
        text = self.body.decode("utf-8", "replace").strip()
        shown = text if len(text) <= SHOWN else f"{text[:SHOWN]}..."
        return f"{self.status} {shown}" if text else f"{self.status} with an empty body"

    def json(self) -> Any:  # noqa: ANN401 - whatever a server sends
        """Read the body as JSON. Raises Missed."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError) as error:
            raise Missed(f"no JSON: {self}") from error

    def object(self) -> dict[str, Any]:
        """Read the body of a 200 as a JSON object. Raises Missed."""
        document = self.json() if self.status == HTTP_OK else None
        if not isinstance(document, dict):
            raise Missed(str(self))
        return document


class Client:
    """Asks one server. `seconds` bounds every request as a whole, also against a server that sends byte by byte."""

    def __init__(self, url: str, *, seconds: float) -> None:
        parts = urlsplit(url)
        try:
            port = parts.port
        except ValueError as error:
            raise UsageProblem(f"{url} has no proper port") from error
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise UsageProblem(f"{url} is no address of a server; give one like http://127.0.0.1:8000")
        self.url = url
        self.seconds = seconds
        self._host, self._port, self._tls = parts.hostname, port, parts.scheme == "https"
        self._prefix = parts.path.rstrip("/").removesuffix("/v2")

    def get(self, path: str) -> Answer:
        """GET a path. Raises NoAnswer."""
        return self._ask("GET", path, None, {})

    def post(self, path: str, body: bytes, headers: Mapping[str, str] | None = None) -> Answer:
        """POST a body, as JSON unless the headers say otherwise. Raises NoAnswer."""
        return self._ask("POST", path, body, {"Content-Type": "application/json", **(headers or {})})

    def _ask(self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]) -> Answer:
        connect = http.client.HTTPSConnection if self._tls else http.client.HTTPConnection
        connection = connect(self._host, self._port, timeout=self.seconds)
        try:
            connection.connect()
            opened = connection.sock
            with ended_after(self.seconds, lambda: opened):
                connection.request(method, self._prefix + path, body, {**headers, "Connection": "close"})
                response = connection.getresponse()
                received = response.read(LARGEST_BODY)
                if response.length:  # what was announced and did not come
                    raise http.client.IncompleteRead(received, response.length)
        except TimeoutError as error:
            raise NoAnswer(f"{method} {path}: no answer within {self.seconds:g} s") from error
        except (OSError, ValueError, http.client.HTTPException) as error:
            raise NoAnswer(f"{method} {path}: no answer ({str(error) or type(error).__name__})") from error
        finally:
            connection.close()
        return Answer(response.status, {name.lower(): value for name, value in response.getheaders()}, received)


def under(value: object, key: str, kind: type[T]) -> T:
    """Return what stands under a key of some JSON, an empty one (or False) where that is nothing of this kind."""
    found = value.get(key) if isinstance(value, dict) else None
    return found if isinstance(found, kind) else kind()


def require(fulfilled: object, otherwise: str) -> None:
    """Raise Missed unless the server does what is asked; `otherwise` says what it does."""
    if not fulfilled:
        raise Missed(otherwise)


def applies(given: object, otherwise: str) -> None:
    """Raise NotOffered unless there is something to check; `otherwise` says why not."""
    if not given:
        raise NotOffered(otherwise)
