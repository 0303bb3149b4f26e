"""Every gate trips when just what it guards is sabotaged, and stays quiet without: real trials, judged like a run.

G2, G8, G9 and G10 count, so they must be quiet on any machine. The others measure the machine, too, which runs tests:
there, what was sabotaged is compared with the same trial without, because either may exceed a limit for other reasons.
"""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from bench.latency.gates import judge
from bench.latency.run import Run
from bench.latency.trial import Arm
from bench.load import generator
from bench.machine import cores
from bench.machine.cores import Split
from tests.e2e.short_trial import (
    COUNT,
    COUNTING,
    WARM_UP,
    gate,
    growth_per_s,
    judged_again,
    lag_ms,
    tried,
    tripped,
    withheld,
)
from tests.unit.bench.toys import ONE, blocks, session

SABOTAGED = Path(__file__).with_name("sabotaged_locustfile.py")
BUSY = "while True: pass"


@pytest.fixture(scope="module")
def split() -> Iterator[Split]:
    """The cores, with these tests off those of the system, as the harness is."""
    split = cores.split_cores()
    cores.stay_off(split)
    yield split
    if split.pinned:
        os.sched_setaffinity(0, {*split.sut, *split.generator})


@pytest.fixture(scope="module")
def try_out(split: Split, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Run]:
    """Put a short load on a toy, and make of it what a run makes of it."""
    return lambda **how: tried(tmp_path_factory.mktemp("run"), split, **how)


@pytest.fixture(scope="module")
def quiet(try_out: Callable[..., Run]) -> Run:
    """A trial in which nothing is sabotaged."""
    return try_out()


@pytest.fixture(scope="module")
def drifting(try_out: Callable[..., Run]) -> Run:
    """A server that can answer 25 a second of the 40 that arrive."""
    return try_out(TOY_PREDICTION_MS="40")


@pytest.fixture
def sabotage(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Break one thing in the generator."""

    def break_it(what: str) -> None:
        monkeypatch.setattr(generator, "LOCUSTFILE", SABOTAGED)
        monkeypatch.setenv("SABOTAGE", what)

    return break_it


def far_above(run: Run, other: Run, name: str) -> bool:
    return gate(run, name)["verdict"] == "fail" and gate(run, name)["value"] > 2 * gate(other, name)["value"]


def test_without_sabotage_all_was_sent_once_and_answered_well_and_the_books_add_up(quiet: Run):
    assert tripped(quiet) == set()
    assert {gate(quiet, name)["verdict"] for name in COUNTING} == {"pass"}
    assert quiet.measured[0].counts() == {"scheduled": COUNT, "completed": COUNT, "failed": 0, "dropped": 0}


def test_a_busy_loop_in_the_generator_trips_its_lag_and_its_loop_lag(
    try_out: Callable[..., Run], sabotage: Callable[[str], None], quiet: Run
):
    sabotage("busy loop")
    busy = try_out()
    assert far_above(busy, quiet, "G1")
    assert far_above(busy, quiet, "G4")
    assert tripped(busy) == set()


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system cannot pin")
def test_stolen_cpu_trips_the_foreign_share(try_out: Callable[..., Run], split: Split, quiet: Run):
    with subprocess.Popen([sys.executable, "-c", BUSY]) as thief:
        try:
            os.sched_setaffinity(thief.pid, split.sut)
            stolen = try_out()
        finally:
            thief.kill()
    assert gate(stolen, "G6-foreign")["verdict"] == "fail"
    assert gate(stolen, "G6-foreign")["value"] > max(0.5, gate(quiet, "G6-foreign")["value"])
    assert tripped(stolen) == set()


def test_a_server_that_drifts_is_labelled_and_its_percentiles_are_withheld(drifting: Run, quiet: Run):
    assert growth_per_s(drifting) == pytest.approx(40 - 25, rel=0.4)
    assert growth_per_s(quiet) < growth_per_s(drifting) / 3
    assert (gate(drifting, "G7")["verdict"], gate(drifting, "G7")["passed"]) == ("warn", True)
    assert {"response_p50", "response_p95", "response_p99", "service_p50"} <= withheld(drifting)
    assert tripped(drifting) == set()


def test_percentiles_are_withheld_only_where_the_queue_grew(quiet: Run):
    assert bool(withheld(quiet)) == (gate(quiet, "G7")["verdict"] == "warn")


def test_a_generator_without_room_for_all_that_are_in_flight_trips_the_schedule(
    try_out: Callable[..., Run], sabotage: Callable[[str], None], drifting: Run
):
    sabotage("little room")
    short = try_out(TOY_PREDICTION_MS="40")
    assert tripped(short) == {"G2"}
    assert short.measured[0].counts()["dropped"] == round(gate(short, "G2")["value"] * COUNT) > 5
    assert drifting.measured[0].counts()["dropped"] == 0


def test_a_hidden_retry_trips(try_out: Callable[..., Run], sabotage: Callable[[str], None]):
    sabotage("retry")
    twice = try_out()
    assert tripped(twice) == {"G9"}
    assert gate(twice, "G9")["value"] == COUNT + WARM_UP  # the warm-up's, too


def test_an_answer_that_turns_wrong_under_load_trips(try_out: Callable[..., Run]):
    wrong = try_out(TOY_WRONG_FROM="31")
    assert tripped(wrong) == {"G10"}
    assert gate(wrong, "G10")["value"] == COUNT + WARM_UP - 30


def test_a_request_that_is_miscounted_behind_the_generator_trips(quiet: Run):
    rows = quiet.folder.requests
    assert tripped(judged_again(quiet, rows)) == set()
    assert "G2" in tripped(judged_again(quiet, rows.slice(0, len(rows) - 1)))
    assert "G2" in tripped(judged_again(quiet, pa.concat_tables([rows, rows.slice(len(rows) - 1)])))


def test_an_answer_before_its_request_trips_the_books(quiet: Run):
    rows = quiet.folder.requests
    done = rows["done_ns"].to_pylist()
    done[-1] = rows["sent_ns"].to_pylist()[-1] - 10**9
    changed = rows.set_column(rows.column_names.index("done_ns"), "done_ns", pa.array(done, pa.int64()))
    assert tripped(judged_again(quiet, changed)) == {"G8"}


@pytest.mark.parametrize(("slower", "verdict"), [(1.0, "pass"), (1.2, "fail")])
def test_two_copies_that_are_not_equal_trip_a1(slower: float, verdict: str):
    again = Arm("one again", None, "one", "A/A")
    noise = np.random.default_rng(1).lognormal(0, 0.02, (6, 2))
    trials = blocks((ONE, again), lambda block, arm, _: 10 * noise[block, arm] * slower**arm, 6)
    found = {each["gate"]: each["verdict"] for each in judge(session(*trials, arms=(ONE, again)))}
    assert found["A1"] == verdict


@pytest.mark.parametrize(("put_in_ms", "verdict"), [(10.0, "pass"), (0.0, "fail")])
def test_a_delay_that_was_not_put_in_trips_a3(put_in_ms: float, verdict: str):
    control = Arm("one + 10 ms", None, "one", "control", 10.0)
    noise = np.random.default_rng(1).lognormal(0, 0.02, (6, 2))
    trials = blocks((ONE, control), lambda block, arm, _: 10 * noise[block, arm] + put_in_ms * arm, 6)
    found = {each["gate"]: each["verdict"] for each in judge(session(*trials, arms=(ONE, control)))}
    assert found["A3"] == verdict


def test_a_delay_that_is_asked_for_is_really_put_in(try_out: Callable[..., Run], quiet: Run):
    """Compared with the trial without: the machine's own lag is in both."""
    assert lag_ms(try_out(delay_ms=80.0)) - lag_ms(quiet) == pytest.approx(80.0, abs=10.0)
