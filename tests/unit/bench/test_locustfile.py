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

from bench.exits import GeneratorFailed
from bench.load import generator
from bench.load.generator import Load
from bench.load.plan import Plan
from bench.load.schedule import SECOND_NS, Schedule
from bench.processes.ports import free_port
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


def load(
    tmp_path: Path, respond: Respond, seconds: list[float], *, deadline_s: float = 10.0, processes: int = 1
) -> tuple[Load, list[str]]:
    """Send predictions at these times; return what was recorded and what the server saw."""
    offset = np.array([round(second * SECOND_NS) for second in seconds], dtype=np.int64)
    zeros = np.zeros(len(offset), dtype=np.int64)
    schedule = Schedule(("prediction",), offset, zeros, zeros, zeros)
    with server(respond) as (url, seen):
        done = generator.send(
            url, schedule, VERIFIED.targets, folder=tmp_path, deadline_s=deadline_s, processes=processes
        )
    assert "Traceback" not in (tmp_path / "generator.log").read_text()
    return done, seen


def outcomes(done: Load) -> list[str]:
    return done.outcome.tolist()


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
    first, timed_out = done.table.to_pylist()[0], done.table.to_pylist()[5]
    assert (first["stage_infer_ms"], first["status"], first["model_version"]) == (2.5, 200, "1")
    assert (timed_out["status"], timed_out["done_ns"] - timed_out["intended_ns"] >= 5e8) == (None, True)


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
    waited = done.times("done_ns") / SECOND_NS - seconds
    expected = [max(0.0, stall_s - second) for second in seconds]
    assert outcomes(done) == ["ok"] * len(seconds)
    assert waited == pytest.approx(expected, abs=0.25)


def test_two_processes_send_every_request_once_and_their_samples_are_merged_in_order(tmp_path: Path):
    seconds = [number / 40 for number in range(41)]
    done, seen = load(tmp_path, lambda _: http("200 OK", GOOD), seconds, processes=2)
    assert (done.processes, outcomes(done), len(seen)) == (2, ["ok"] * 41, 41)
    assert done.times("intended_ns").tolist() == [round(second * SECOND_NS) for second in seconds]
    assert (done.times("sent_ns") >= done.times("intended_ns")).all()
    assert done.requests_sent == 41


def test_a_plan_that_cannot_be_sent_ends_the_generator_with_its_last_words(tmp_path: Path):
    with (
        generator.Generator(tmp_path, log=tmp_path / "generator.log") as locust,
        pytest.raises(GeneratorFailed, match="sent nothing"),
    ):
        locust.send(Plan("nowhere", Schedule(("page",), *[np.zeros(1, dtype=np.int64)] * 4), VERIFIED.targets, 1.0))


def test_a_port_where_nobody_listens_resets_every_request(tmp_path: Path):
    zeros = np.zeros(5, dtype=np.int64)
    schedule = Schedule(("prediction",), np.arange(5, dtype=np.int64) * SECOND_NS // 20, zeros, zeros, zeros)
    done = generator.send(f"http://127.0.0.1:{free_port()}", schedule, VERIFIED.targets, folder=tmp_path)
    assert (outcomes(done), done.requests_sent) == (["reset"] * 5, 0)
