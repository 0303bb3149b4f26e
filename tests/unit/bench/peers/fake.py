"""A peer without a model: an HTTP server in a thread that answers like `fastapi`, as a function says."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from bench.peers.asking import Photo
from bench.peers.peer import Peer, find

LABEL = "tabby"
PHOTOS = [Photo("a.jpg", b"an image", LABEL), Photo("b.jpg", b"another image", LABEL)]

Respond = Callable[[dict[str, str], bytes], tuple[int, str]]


def fastapi() -> Peer:
    """The peer whose words the fake speaks."""
    (peer,) = find(["fastapi"])
    return peer


def right(headers: dict[str, str], body: bytes) -> tuple[int, str]:
    """Answer every photo with the label that is right."""
    return 200, LABEL


@contextmanager
def serving(respond: Respond = right, connected: list[object] | None = None) -> Iterator[str]:
    """Answer POSTs until the end, and note who connects; yields the address."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True  # two small writes a request would wait for each other

        def setup(self) -> None:
            super().setup()
            if connected is not None:
                connected.append(self.client_address)

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            status, label = respond(dict(self.headers), body)
            answer = json.dumps({"labels": [{"label": label, "score": 1.0}]}).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Say nothing."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request: object, client_address: object) -> None:
            """A client that goes away is part of the tests."""

    with Server(("127.0.0.1", 0), Handler) as listening:
        thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.server_address[1]}"
        finally:
            listening.shutdown()
            thread.join()
