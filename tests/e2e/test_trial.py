"""One trial on real processes: what acts while the load flies sees its clock, and what it does is in the tables."""

import json
import os
import signal
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from bench.exits import StackFailed
from bench.gates import thresholds
from bench.latency import ladder, profile
from bench.load.generator import Flight
from bench.machine.cores import Split
from bench.session import trial
from bench.session.session import Session, Settings
from bench.session.trial import Course, Measured, Up, Where
from bench.stacks import stack
from bench.stacks.stack import Stack
from bench.stacks.verify import Answer, Verified
from runfile import facts, read
from runfile.facts import Experiments, Step
from runfile.folder import RunFolder
from tests.processes import wait_for
from tests.unit.bench.toys import LABELS, TARGETS, TINY, TOY, copy_of_toy

PROFILE = replace(profile.load(str(TINY)), arrivals="constant", bystanders={})
RATE, SECONDS = 40.0, 3.0
WHERE = Where("latency", 1, "toy")


@pytest.fixture
def session(tmp_path: Path) -> Session:
    """A session that has asked a toy for everything."""
    folder = RunFolder(tmp_path, "tiny")
    folder.save(experiments=Experiments(latency=facts.Latency()))
    made = Session(Settings("tiny", TOY, tmp_path, 1, thresholds.load(), []), folder, Split((0,), (1,), pinned=False))
    answers = {target["id"]: Answer(LABELS, (0.2,) * len(LABELS)) for target in TARGETS}
    made.verified.append(Verified("toy", {"name": "toy", "version": "1", "provider": "none"}, answers))
    return made


@pytest.fixture
def toy(tmp_path: Path) -> Stack:
    return stack.load(copy_of_toy(tmp_path, "toy"))


def course(*variants: str, **delays_ms: float) -> Course:
    steps = [Step(0, 0.0, SECONDS / len(variants), RATE, variant=name, round=1) for name in variants]
    load = replace(PROFILE.turns.loads[0], load=0.0)
    size = replace(PROFILE, turns=replace(PROFILE.turns, loads=(load,)))
    placed = ladder.placed(steps)
    return ladder.course(placed, size, len(TARGETS), warmup_s=0.2, seed=(1,), delays_ms=delays_ms)


def outcomes(measured: Measured) -> Counter[str]:
    return Counter(row["outcome"] for row in measured.requests().to_pylist() if row["counted"])


def test_a_process_may_end_and_be_started_again_and_everything_is_on_one_clock(session: Session, toy: Stack):
    pids = []

    def fault(flight: Flight, up: Up) -> Sequence[dict[str, object]]:
        own = up.stacks["toy"]
        flight.until(1.0)
        pids.append(own.pids["web"])
        own.expect_end("web")
        up.tell("fault injected", fault="crash")
        os.kill(own.pids["web"], signal.SIGKILL)
        flight.until(1.5)
        own.restart("web")
        pids.append(own.pids["web"])
        up.tell("restarted", process="web")
        return []

    measured = trial.measure(session, WHERE, {"toy": toy}, course("toy"), fault)
    trial.keep(session, measured)
    before, after = pids
    assert before != after
    assert not psutil.pid_exists(after)
    found = outcomes(measured)
    assert found["ok"] > 40
    assert found["reset"] >= 10, "half a second of forty requests a second"
    events = [json.loads(line) for line in (session.folder.path / "events.jsonl").read_text().splitlines()]
    told = {event["event"]: event for event in events}
    assert told["fault injected"]["trial"] == told["restarted"]["trial"] == 1
    assert 1.0 <= told["fault injected"]["t_ns"] / 1e9 < 1.4
    assert 1.5 <= told["restarted"]["t_ns"] / 1e9 < 3.0
    lost = [row for row in measured.requests().to_pylist() if row["outcome"] == "reset"]
    assert min(row["intended_ns"] for row in lost) / 1e9 == pytest.approx(1.0, abs=0.2)
    samples = read(session.folder.path).processes().to_pylist()
    last = max((row for row in samples if row["process"] == "web"), key=lambda row: row["t_ns"])
    assert last["rss_bytes"] > 0, "the sampler has followed the restart"


def test_a_process_that_ends_without_being_expected_to_fails_the_trial(session: Session, toy: Stack):
    def fault(flight: Flight, up: Up) -> Sequence[dict[str, object]]:
        flight.until(0.5)
        os.kill(up.stacks["toy"].pids["web"], signal.SIGKILL)
        return []

    with pytest.raises(StackFailed, match="process web ended by itself"):
        trial.measure(session, WHERE, {"toy": toy}, course("toy"), fault)


def test_several_stacks_have_their_own_turns_and_the_same_arrivals(session: Session, toy: Stack, tmp_path: Path):
    other = stack.load(copy_of_toy(tmp_path, "other", TOY_LABEL="dog"))
    where = replace(WHERE, variant="")
    measured = trial.measure(session, where, {"toy": toy, "other": other}, course("toy", "other", other=20.0))
    rows = [row for row in measured.requests().to_pylist() if row["counted"]]
    assert {(row["variant"], row["step"], row["outcome"]) for row in rows} == {("toy", 0, "ok"), ("other", 1, "wrong")}
    starts = {step.step: round(step.start_s * 1e9) for step in measured.trial.steps}
    sent = {
        name: [(row["intended_ns"] - starts[row["step"]], row["photo_id"]) for row in rows if row["variant"] == name]
        for name in ("toy", "other")
    }
    assert sent["toy"] == sent["other"]
    late_ms = [(row["sent_ns"] - row["intended_ns"]) / 1e6 for row in rows if row["variant"] == "other"]
    assert min(late_ms) >= 20.0
    assert set(measured.trial.memory_bytes) == {"toy/web", "other/web"}


def test_the_speed_of_the_machine_is_looked_at_while_nobody_works(session: Session, toy: Stack):
    looks = []

    class Looking(Session):
        def look(self) -> float:
            def stopped() -> None:
                looks.append({psutil.Process(pid).status() for pid in these.roots().values()})
                assert looks[-1] == {psutil.STATUS_STOPPED}

            wait_for(stopped)
            return super().look()

    session.__class__ = Looking
    with trial.up(session, WHERE, {"toy": toy}) as these:
        measured = trial.fly(session, WHERE, these, course("toy"))
    assert looks
    assert measured.trial.canary_ms
    assert outcomes(measured) == {"ok": RATE * SECONDS}


def test_who_has_no_stack_of_its_own_asks_that_of_another(toy: Stack):
    shared = replace(course("toy", "toy late", **{"toy late": 20.0}), of={"toy late": "toy"})
    assert [(turn.host, turn.delay_ms) for turn in shared.turns(["other", "toy"])] == [(1, 0.0), (1, 20.0)]
