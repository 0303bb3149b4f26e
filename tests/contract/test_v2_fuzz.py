"""Thousands of wrong requests to the inference server, over raw sockets: clean errors, no 500, and it stays well."""

import os
import select
import socket
import struct
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, suppress
from io import BytesIO
from itertools import islice
from pathlib import Path

import pytest
from PIL import Image

from tests.contract.fuzz.v2 import Case, Fuzz
from tests.inference import Answer, Client, Server, photo
from tests.processes import wait_for

# A first look on every run of the tests; SWEETSPOT_FUZZ=20000 takes some minutes.
COUNT = int(os.environ.get("SWEETSPOT_FUZZ", "2000"))
SEED = 20240229
CLIENTS = 8
PATIENCE_S = 0.2  # with a request that may not be complete
LONG_S = 30.0  # with any other


@pytest.fixture(scope="module")
def tiny(jpeg: bytes) -> bytes:
    buffer = BytesIO()
    Image.open(BytesIO(jpeg)).resize((48, 48)).save(buffer, "JPEG")
    return buffer.getvalue()


@pytest.mark.timeout(3600)
def test_whatever_is_sent_the_answer_is_clean(tmp_path: Path, tiny: bytes) -> None:
    with Server(tmp_path, "--model", "no-op", "--deadline-ms", 10_000, "--repository") as server:
        serving = server.serving
        cases, seen, wrong = _Shared(islice(Fuzz(SEED, tiny), COUNT)), Counter[str](), list[str]()

        def work() -> None:
            for case in cases:
                try:
                    outcome = play(case, server.port)
                    seen[f"{case.kind}: {outcome}"] += 1
                except Exception as error:  # noqa: BLE001  (also what our own parser stumbles over)
                    wrong.append(f"{case.kind}: {error!r:.300} after {case.data[:300]!r}")

        threads = [threading.Thread(target=work) for _ in range(CLIENTS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        print("\n".join(f"{count:6} {what}" for what, count in sorted(seen.items())))  # noqa: T201  (for -s)
        assert not wrong, "\n".join([f"{len(wrong)} of {COUNT}", *wrong[:20]])
        with closing(Client(server.port)) as client:
            answer = client.ask(photo(tiny, "no-op"))
            assert (answer.status, answer.label) == (200, "tench")
        assert server.serving == serving, server.said
        wait_for(lambda: idle(server))
        assert "Traceback" not in server.said, server.said[-5000:]


def idle(server: Server) -> None:
    assert server.queue_depth == 0


class _Shared:
    """An iterator that threads share."""

    def __init__(self, cases: Iterator[Case]) -> None:
        self._cases, self._lock = cases, threading.Lock()

    def __iter__(self) -> Iterator[Case]:
        return self

    def __next__(self) -> Case:
        with self._lock:
            return next(self._cases)


def play(case: Case, port: int) -> str:
    """Send a case and judge what comes; return it in a word."""
    with socket.create_connection(("127.0.0.1", port), LONG_S) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with suppress(BrokenPipeError, ConnectionResetError):  # it has heard enough; what it said is still to be read
            send(case, connection)
        if case.vanish:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            return "gone"
        if not case.answers and not readable(connection, PATIENCE_S):
            return "waits for more"
        return judge(case, connection)


def send(case: Case, connection: socket.socket) -> None:
    if case.byte_by_byte:
        for byte in case.data:
            connection.sendall(bytes([byte]))
    else:
        connection.sendall(case.data)
    while case.endless and not readable(connection, 0):
        connection.sendall(case.endless)


def readable(connection: socket.socket, seconds: float) -> bool:
    return bool(select.select([connection], [], [], seconds)[0])


def judge(case: Case, connection: socket.socket) -> str:
    client = Client(0, connection=connection)
    try:
        answers = [client.receive(has_body=not case.head) for _ in range(max(1, case.answers))]
    except ConnectionResetError:
        if case.answers:
            raise
        return "closed"  # without a word: only where there was no request
    for answer in answers:
        clean(answer, has_body=not case.head)
    if case.ids:
        assert [answer.document["id"] for answer in answers] == case.ids
    if case.stall:
        assert answers[0].status == 408
    return " ".join(str(answer.status) for answer in answers[:1])


def clean(answer: Answer, *, has_body: bool) -> None:
    assert answer.status < 500 or answer.status in {503, 504}, answer
    if answer.status >= 400 and has_body:
        assert answer.headers["content-type"] == "application/json", answer
        assert answer.error
    if answer.status == 503:
        assert int(answer.headers["retry-after"]) > 0
