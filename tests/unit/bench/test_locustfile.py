"""The real locust process against servers that misbehave. Not imported here: it would patch the interpreter."""

import itertools
import json
import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from bench.load import generator
from bench.load.generator import Load
from bench.load.schedule import SECOND_NS, Schedule
from bench.stacks.verify import Answer, Verified

PREDICTION = {"labels": [{"label": "tabby"}], "model": {"version": "1"}, "source": "live"}
GOOD = json.dumps(PREDICTION).encode()
VERIFIED = Verified("v", {}, {"a b": Answer(("tabby",), (0.5,))})

Respond = Callable[[int], bytes | None]


def http(status: str, body: bytes = b"", head: str = "") -> bytes:
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n{head}\r\n".encode() + body


@contextmanager
def server(respond: Respond) -> Iterator[tuple[str, list[str]]]:
    """Answer by the number of the request; None closes the connection. Yields URL and request lines."""
    seen: list[str] = []
    number = itertools.count()

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            while head := self.rfile.readline().decode().strip():
                while self.rfile.readline().strip():
                    pass
                seen.append(head)
                answer = respond(next(number))
                if answer is None:
                    return
                self.wfile.write(answer)

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True
        allow_reuse_address = True

    with Server(("127.0.0.1", 0), Handler) as listening:
        thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.server_address[1]}", seen
        finally:
            listening.shutdown()
            thread.join()


def load(tmp_path: Path, respond: Respond, seconds: list[float], **changes: object) -> tuple[Load, list[str]]:
    """Send predictions at these times; return what was recorded and what the server saw."""
    offset = np.array([round(second * SECOND_NS) for second in seconds], dtype=np.int64)
    zeros = np.zeros(len(offset), dtype=np.int64)
    schedule = Schedule(("prediction",), offset, zeros, zeros)
    out = tmp_path / "out.json"
    spec = {**generator.specification(schedule, VERIFIED, 1.0, out), **changes}
    with server(respond) as (url, seen), generator.start(url, spec, tmp_path, tmp_path, ()) as locust:
        done = generator.finish(locust, schedule, out)
    assert "Traceback" not in (tmp_path / "generator.log").read_text()
    return done, seen


def outcomes(done: Load) -> list[str]:
    return [row["outcome"] for row in done.rows]


def test_every_answer_gets_its_outcome_and_nothing_is_sent_twice_or_followed(tmp_path: Path):
    degraded = json.dumps({**PREDICTION, "source": "fallback"}).encode()
    wrong = GOOD.replace(b"tabby", b"dog")
    answers = [
        (http("200 OK", GOOD, "Server-Timing: infer;dur=2.5\r\n"), "ok"),
        (http("202 Accepted"), "pending"),
        (http("503 Service Unavailable"), "refused"),
        (http("302 Found", head="Location: /elsewhere\r\n"), "error"),
        (None, "reset"),
        (b"HTTP/1.1 200 OK\r\nContent-Le", "timeout"),
        (http("200 OK", degraded), "degraded"),
        (http("200 OK", wrong), "wrong"),
        (http("500 Oh", GOOD), "error"),
        (http("200 OK", GOOD), "ok"),
    ]
    seconds = [number / 10 for number in range(len(answers))]
    done, seen = load(tmp_path, lambda number: answers[number][0], seconds, deadline_s=0.5)
    assert outcomes(done) == [outcome for _, outcome in answers]
    assert seen == ["GET /api/photos/a%20b/prediction HTTP/1.1"] * len(answers)
    assert done.requests_sent == len(answers)
    assert (done.rows[0]["infer"], done.rows[0]["status"], "done_ns" in done.rows[5]) == (2.5, 200, False)


def test_a_server_that_always_hangs_up_gets_every_request_once(tmp_path: Path):
    done, seen = load(tmp_path, lambda _: None, [number / 20 for number in range(10)])
    assert outcomes(done) == ["reset"] * 10
    assert len(seen) == done.requests_sent == 10


def test_a_stall_is_charged_to_all_requests_that_fell_into_it(tmp_path: Path):
    """The oracle of coordinated omission: a stall of S seconds makes the request sent t after its start wait S - t."""
    stall_s, calm = 1.0, threading.Event()

    def respond(number: int) -> bytes:
        if number == 0:
            threading.Timer(stall_s, calm.set).start()
        calm.wait()
        return http("200 OK", GOOD)

    seconds = [number / 20 for number in range(30)]
    done, _ = load(tmp_path, respond, seconds)
    waited = [row["done_ns"] / SECOND_NS - second for row, second in zip(done.rows, seconds, strict=True)]
    expected = [max(0.0, stall_s - second) for second in seconds]
    assert outcomes(done) == ["ok"] * len(seconds)
    assert waited == pytest.approx(expected, abs=0.25)


def test_what_exceeds_the_cap_is_dropped_and_recorded_and_the_others_time_out(tmp_path: Path):
    never = threading.Event()
    try:
        done, _ = load(tmp_path, lambda _: never.wait() and None, [0.0] * 15, rate_per_s=1.0, deadline_s=1.0)
    finally:
        never.set()
    assert sorted(outcomes(done)) == ["dropped"] * 3 + ["timeout"] * 12
    assert all("sent_ns" not in row for row in done.rows if row["outcome"] == "dropped")
