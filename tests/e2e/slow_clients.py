"""Clients that take their time: each kind opens a hundred connections and sends a byte now and then, or nothing."""

import contextlib
import socket
import threading
from collections.abc import Iterator

UPLOAD = b"POST /api/photos HTTP/1.1\r\nHost: x\r\nContent-Type: image/jpeg\r\n"
KINDS = {
    "heads": (b"GET /api/photos HTTP/1.1\r\nX-Slow: ", b"x"),
    "bodies": (UPLOAD + b"Content-Length: 100000\r\n\r\n\xff\xd8\xff", b"x"),
    "chunks": (UPLOAD + b"Transfer-Encoding: chunked\r\n\r\nffff\r\n", b"x"),
    "silent": (b"", b""),
    "readers": (b"GET /api/photos/%d/image HTTP/1.1\r\nHost: x\r\n\r\n", b""),
}
COUNT = 100
PAUSE_S = 0.2


@contextlib.contextmanager
def slow_clients(port: int, kind: str, photo_id: int) -> Iterator[list[socket.socket]]:
    """A hundred of them until the block is left; yield their sockets."""
    first, then = KINDS[kind]
    leave = threading.Event()
    with contextlib.ExitStack() as open_ones:
        clients = [open_ones.enter_context(connect(port)) for _ in range(COUNT)]
        for client in clients:
            client.sendall(first % photo_id if b"%d" in first else first)

        def drip() -> None:
            while not leave.wait(PAUSE_S):
                for client in clients:
                    with contextlib.suppress(OSError):
                        client.sendall(then)

        dripping = threading.Thread(target=drip)
        dripping.start()
        try:
            yield clients
        finally:
            leave.set()
            dripping.join()


def connect(port: int) -> socket.socket:
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)  # so that a large answer does not fit
    client.settimeout(10)
    client.connect(("127.0.0.1", port))
    return client
