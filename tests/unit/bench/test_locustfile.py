"""The real locust process against servers that misbehave. Not imported here: it would patch the interpreter."""

import itertools
import json
import os
import signal
import socketserver
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from bench.exits import GeneratorFailed
from bench.load import generator
from bench.load.generator import Generator, Load
from bench.load.plan import Plan, Target, Turn
from bench.load.schedule import SECOND_NS, Schedule
from bench.processes.ports import free_port

PREDICTION = {"labels": [{"label": "tabby"}], "model": {"version": "1"}, "source": "live"}
GOOD = json.dumps(PREDICTION).encode()
TARGETS: list[Target] = [{"id": "a b", "path": "a%20b", "labels": {"1": ["tabby"], "2": ["lynx"]}}]
LATE_S = 0.4

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


def at(seconds: Sequence[float], steps: Sequence[int] = ()) -> Schedule:
    """Predictions at these times, all of one step unless more are given."""
    offset = np.array([round(second * SECOND_NS) for second in seconds], dtype=np.int64)
    zeros = np.zeros(len(offset), dtype=np.int64)
    return Schedule(("prediction",), offset, zeros, zeros, np.array(steps or zeros, dtype=np.int64))


@contextmanager
def generator_in(folder: Path) -> Iterator[Generator]:
    with Generator(folder, log=folder / "generator.log") as locust:
        yield locust


def load(
    tmp_path: Path, respond: Respond, seconds: list[float], *, deadline_s: float = 10.0, processes: int = 1
) -> tuple[Load, list[str]]:
    """Send predictions at these times; return what was recorded and what the server saw."""
    with server(respond) as (url, seen):
        done = generator.send(url, at(seconds), TARGETS, folder=tmp_path, deadline_s=deadline_s, processes=processes)
    assert "Traceback" not in (tmp_path / "generator.log").read_text()
    return done, seen


def outcomes(done: Load) -> list[str]:
    return done.outcome.tolist()


def test_a_folder_may_be_relative_to_where_the_harness_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(generator, "START_ALLOWANCE_S", 20.0)
    done, _ = load(Path("run"), lambda _: http("200 OK", GOOD), [0.0])
    assert outcomes(done) == ["ok"]


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


def test_every_step_asks_its_own_host_and_is_sent_too_late_where_that_was_asked_for(tmp_path: Path):
    schedule = at([0.0, 0.1, 0.2, 1.0, 1.1, 2.0, 2.1], steps=[-1, 0, 0, 1, 1, 2, 2])
    turns = [Turn(1), Turn(0, delay_ms=LATE_S * 1000), Turn(1)]
    with (
        server(lambda _: http("200 OK", GOOD)) as (one, seen_by_one),
        server(lambda _: http("200 OK", GOOD)) as (two, seen_by_two),
        generator_in(tmp_path) as locust,
    ):
        done = locust.start(Plan([one, two], schedule, TARGETS, 10.0, turns)).finish()
    assert outcomes(done) == ["ok"] * 7
    assert (len(seen_by_one), len(seen_by_two), done.requests_sent, done.connections >= 2) == (2, 5, 7, True)
    lag_s = (done.times("sent_ns") - done.times("intended_ns")) / SECOND_NS
    assert (lag_s[schedule.step == 1] >= LATE_S).all()
    assert np.median(lag_s[schedule.step != 1]) < LATE_S / 2


def test_what_is_right_depends_on_the_model_that_answered_and_its_age_is_recorded(tmp_path: Path):
    read, predicted = "2026-11-22T13:15:00.000001Z", "2026-11-22T13:15:00.25Z"
    age = {"photo_version": 3, "input_read_at": read, "predicted_at": predicted}
    dated = json.dumps({**PREDICTION, **age}).encode()
    newer = GOOD.replace(b'"version": "1"', b'"version": "2"')
    answers = [http("200 OK", body) for body in (dated, newer, newer.replace(b"tabby", b"lynx"))]
    done, _ = load(tmp_path, lambda number: answers[number], [0.0, 0.1, 0.2])
    assert outcomes(done) == ["ok", "wrong", "ok"]
    first, second, _ = done.table.to_pylist()
    moment = datetime(2026, 11, 22, 13, 15, tzinfo=UTC)
    assert (first["photo_version"], first["model_version"], second["model_version"]) == ("3", "1", "2")
    assert first["input_read_at"] == moment + timedelta(microseconds=1)
    assert first["predicted_at"] == moment + timedelta(seconds=0.25)
    assert (second["photo_version"], second["input_read_at"], second["predicted_at"]) == (None, None, None)


def test_the_judge_of_a_plan_is_found_by_its_name(tmp_path: Path):
    said = [b"TABBY", b"tabby"]
    with server(lambda number: http("200 OK", said[number])) as (url, _), generator_in(tmp_path) as locust:
        judge = "tests.unit.bench.load.shouting:judge"
        plan = Plan([url], at([0.0, 0.2]), TARGETS, 10.0, judge=judge, judge_of="tabby")
        done = locust.start(plan).finish()
    assert outcomes(done) == ["ok", "wrong"]
    assert done.table["source"].to_pylist() == ["a b", "a b"]


def test_a_load_that_is_under_way_tells_its_clock_at_once_and_waits_by_it(tmp_path: Path):
    """The window is to start later than the load is handed over, by as long as the warm-up takes."""
    with server(lambda _: http("200 OK", GOOD)) as (url, seen), generator_in(tmp_path) as locust:
        flight = locust.start(Plan([url], at([-1.0, 0.0, 0.1, 0.6], steps=[-1, 0, 0, 0]), TARGETS, 10.0))
        assert not locust.samples.exists()
        assert flight.now_ns == pytest.approx(time.monotonic_ns() - flight.zero_ns, abs=SECOND_NS)
        apart_s = flight.zero_at.timestamp() - (time.time() - flight.now_ns / SECOND_NS)
        flight.until(0.2)
        assert flight.now_ns >= 0.2 * SECOND_NS
        assert seen, "the warm-up was sent meanwhile"
        flight.until(-5.0)  # long past: returns at once
        done = flight.finish()
    assert abs(apart_s) < 1.0
    assert (outcomes(done), done.zero_ns) == (["ok"] * 4, flight.zero_ns)


def test_who_waits_for_a_load_whose_generator_dies_is_told(tmp_path: Path):
    with server(lambda _: http("200 OK", GOOD)) as (url, _), generator_in(tmp_path) as locust:
        flight = locust.start(Plan([url], at([0.0, 60.0]), TARGETS, 10.0))
        os.kill(locust.pid, signal.SIGKILL)
        with pytest.raises(GeneratorFailed, match=r"ended early \(killed by signal 9\); its last log lines"):
            flight.until(60.0)
        with pytest.raises(GeneratorFailed, match=r"ended without a result \(killed by signal 9\)"):
            flight.finish()


def test_a_generator_that_dies_before_its_load_is_told_too(tmp_path: Path):
    with generator_in(tmp_path) as locust:
        os.kill(locust.pid, signal.SIGKILL)
        with pytest.raises(GeneratorFailed, match=r"sent nothing \(killed by signal 9\)"):
            locust.start(Plan(["http://127.0.0.1:1"], at([0.0]), TARGETS, 10.0))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"hosts": ["nowhere"]}, "nowhere must look like"),
        ({"judge": "bench.load.product:nobody"}, "attribute 'nobody'"),
    ],
)
def test_a_plan_that_cannot_be_sent_ends_the_generator_with_its_last_words(
    tmp_path: Path, change: dict[str, object], words: str
):
    plan = replace(Plan(["http://127.0.0.1:1"], at([0.0]), TARGETS, 1.0), **change)
    with generator_in(tmp_path) as locust, pytest.raises(GeneratorFailed, match=rf"(?s)sent nothing.*{words}"):
        locust.start(plan).finish()


def test_a_port_where_nobody_listens_resets_every_request(tmp_path: Path):
    schedule = at([number / 20 for number in range(5)])
    done = generator.send(f"http://127.0.0.1:{free_port()}", schedule, TARGETS, folder=tmp_path)
    assert (outcomes(done), done.requests_sent) == (["reset"] * 5, 0)
