"""Every gate trips when just what it guards is sabotaged, and stays quiet without: real trials, judged like a run.

G2, G8, G9 and G10 count, so they must be quiet on any machine. The others measure the machine, too, which runs tests:
there, what was sabotaged is compared with the same trial without, because either may exceed a limit for other reasons.
"""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow as pa
import pytest

from bench.load import generator
from bench.machine import cores
from bench.machine.cores import Split
from tests.e2e.short_trial import (
    COUNT,
    COUNTING,
    WARM_UP,
    Tried,
    backlog,
    gate,
    judged_again,
    lag_ms,
    tried,
    tripped,
    value,
    withheld,
)

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
def try_out(split: Split, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Tried]:
    """Put a short load on a toy, and make of it what a run makes of it."""
    return lambda **how: tried(tmp_path_factory.mktemp("run"), split, **how)


@pytest.fixture(scope="module")
def quiet(try_out: Callable[..., Tried]) -> Tried:
    """A trial in which nothing is sabotaged."""
    return try_out()


@pytest.fixture(scope="module")
def drifting(try_out: Callable[..., Tried]) -> Tried:
    """A server that can answer 25 a second of the 40 that arrive."""
    return try_out(TOY_PREDICTION_MS="40")


@pytest.fixture
def sabotage(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Break one thing in the generator."""

    def break_it(what: str) -> None:
        monkeypatch.setattr(generator, "LOCUSTFILE", SABOTAGED)
        monkeypatch.setenv("SABOTAGE", what)

    return break_it


def far_above(run: Tried, other: Tried, name: str) -> bool:
    return gate(run, name).verdict == "fail" and value(run, name) > 2 * value(other, name)


def test_without_sabotage_all_was_sent_once_and_answered_well_and_the_books_add_up(quiet: Tried):
    assert tripped(quiet) == set()
    assert {gate(quiet, name).verdict for name in COUNTING} == {"pass"}
    trial = quiet.measured.trial
    assert (trial.scheduled, trial.completed, trial.failed, trial.dropped) == (COUNT, COUNT, 0, 0)


def test_a_busy_loop_in_the_generator_trips_its_lag_and_its_loop_lag(
    try_out: Callable[..., Tried], sabotage: Callable[[str], None], quiet: Tried
):
    sabotage("busy loop")
    busy = try_out()
    assert far_above(busy, quiet, "G1")
    assert far_above(busy, quiet, "G4")
    assert tripped(busy) == set()


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system cannot pin")
def test_stolen_cpu_trips_the_foreign_share(try_out: Callable[..., Tried], split: Split, quiet: Tried):
    with subprocess.Popen([sys.executable, "-c", BUSY]) as thief:
        try:
            os.sched_setaffinity(thief.pid, split.sut)
            stolen = try_out()
        finally:
            thief.kill()
    assert gate(stolen, "G6-foreign").verdict == "fail"
    assert value(stolen, "G6-foreign") > max(0.5, value(quiet, "G6-foreign"))
    assert tripped(stolen) == set()


def test_a_server_that_drifts_is_labelled_and_its_percentiles_are_withheld(drifting: Tried, quiet: Tried):
    assert backlog(drifting) == pytest.approx((40 - 25) * 1.5, rel=0.4)
    assert backlog(quiet) < backlog(drifting) / 3
    assert gate(drifting, "G7").verdict == "warn"
    assert {"response_p50", "response_p95", "response_p99", "service_p50"} <= withheld(drifting)
    assert tripped(drifting) == set()


def test_percentiles_are_withheld_only_where_the_queue_grew(quiet: Tried):
    assert bool(withheld(quiet)) == (gate(quiet, "G7").verdict == "warn")


def test_a_generator_without_room_for_all_that_are_in_flight_trips_the_schedule(
    try_out: Callable[..., Tried], sabotage: Callable[[str], None], drifting: Tried
):
    sabotage("little room")
    short = try_out(TOY_PREDICTION_MS="40")
    assert tripped(short) == {"G2"}
    assert short.measured.trial.dropped == round(value(short, "G2") * COUNT) > 5
    assert drifting.measured.trial.dropped == 0


def test_a_hidden_retry_trips(try_out: Callable[..., Tried], sabotage: Callable[[str], None]):
    sabotage("retry")
    twice = try_out()
    assert tripped(twice) == {"G9"}
    assert value(twice, "G9") == COUNT + WARM_UP  # the warm-up's, too


def test_an_answer_that_turns_wrong_under_load_trips(try_out: Callable[..., Tried]):
    wrong = try_out(TOY_WRONG_FROM="31")
    assert tripped(wrong) == {"G10"}
    assert value(wrong, "G10") == COUNT + WARM_UP - 30


def test_a_request_that_is_miscounted_behind_the_generator_trips(quiet: Tried):
    rows = quiet.folder.tables["requests"]
    assert tripped(judged_again(quiet, rows)) == set()
    assert "G2" in tripped(judged_again(quiet, rows.slice(0, len(rows) - 1)))
    assert "G2" in tripped(judged_again(quiet, pa.concat_tables([rows, rows.slice(len(rows) - 1)])))


def test_an_answer_before_its_request_trips_the_books(quiet: Tried):
    rows = quiet.folder.tables["requests"]
    done = rows["done_ns"].to_pylist()
    done[-1] = rows["sent_ns"].to_pylist()[-1] - 10**9
    changed = rows.set_column(rows.column_names.index("done_ns"), "done_ns", pa.array(done, pa.int64()))
    assert tripped(judged_again(quiet, changed)) == {"G8"}


def test_a_delay_that_is_asked_for_is_really_put_in(try_out: Callable[..., Tried], quiet: Tried):
    """Compared with the trial without: the machine's own lag is in both."""
    assert lag_ms(try_out(delay_ms=80.0)) - lag_ms(quiet) == pytest.approx(80.0, abs=10.0)
