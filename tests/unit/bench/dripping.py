"""A server that answers a byte at a time and never ends."""

import contextlib
import itertools
import socket
import threading
from collections.abc import Iterator

# What it says ahead of the bytes that drip: in the first line, in the headers, in bodies with and without a length.
DRIPS = (
    b"",
    b"HTTP/1.1 200 OK\r\nX: ",
    b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n",
)


@contextlib.contextmanager
def dripping(begin: bytes) -> Iterator[int]:
    """Yield the port; everybody who asks gets these bytes, then one after the other."""
    over, visitors = threading.Event(), []

    def serve(visitor: socket.socket) -> None:
        with visitor, contextlib.suppress(OSError):
            visitor.recv(65536)
            for byte in itertools.chain([begin], itertools.repeat(b"x")):
                visitor.sendall(byte)
                if over.wait(0.05):
                    return

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                visitors.append(threading.Thread(target=serve, args=(listener.accept()[0],)))
                visitors[-1].start()

    with socket.create_server(("127.0.0.1", 0), backlog=32) as listener:
        door = threading.Thread(target=accept)
        door.start()
        try:
            yield int(listener.getsockname()[1])
        finally:
            over.set()
            listener.shutdown(socket.SHUT_RDWR)
    for thread in (door, *visitors):
        thread.join()
