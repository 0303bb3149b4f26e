"""Where a URL leads: its parts, checked, and the addresses of its name. Asked ahead of every measurement."""

import socket
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from bench.exits import UsageProblem

Address = Any  # what getaddrinfo gave: its form depends on the family


@dataclass(frozen=True)
class Origin:
    """Whom requests go to. The path is that of a product behind a proxy; it goes ahead of the path of every request."""

    name: str
    port: int
    path: str = ""

    @property
    def host(self) -> str:
        """The header `Host`: an IPv6 address in brackets (RFC 3986, 3.2.2) and without its zone (RFC 6874, 4)."""
        name = self.name.partition("%")[0]
        return f"[{name}]:{self.port}" if ":" in name else f"{name}:{self.port}"

    def addresses(self) -> list[tuple[int, Address]]:
        """Return family and address, the preferred one first. Raises UsageProblem."""
        try:
            found = socket.getaddrinfo(self.name, self.port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise UsageProblem(f"nobody knows the name {self.name} ({error}); is it spelled right?") from error
        return [(family, address) for family, *_, address in found]


def origin_of(url: str) -> Origin:
    """Read a URL. Raises UsageProblem, which says what cannot be done with it."""
    try:
        parts = urlsplit(url)
        name, port = parts.hostname, parts.port
    except ValueError as error:
        raise unusable(url, str(error)) from error
    wrong = {
        "there is none": not url,
        "only ASCII without spaces can be sent": not (url.isascii() and url.isprintable()) or " " in url,
        "only http is spoken": parts.scheme != "http",
        "the name is missing": not name,
        "the port is missing, a number from 1 to 65535": not port,
        "a user, a query or a fragment cannot be sent along": "@" in parts.netloc or "?" in url or "#" in url,
    }
    words = next((words for words, holds in wrong.items() if holds), None)
    if words or name is None or port is None:
        raise unusable(url, str(words))
    return Origin(name, port, parts.path.rstrip("/"))


def unusable(url: str, why: str) -> UsageProblem:
    """Return the complaint."""
    shown = url if url and url.isprintable() else repr(url)
    return UsageProblem(f"--host {shown} must look like http://127.0.0.1:8000: {why}")
