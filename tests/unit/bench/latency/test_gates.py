"""The gates of one arm, on trials that are made up: each disturbance trips its gate, and no other."""

from collections.abc import Callable
from dataclasses import replace

import pandas as pd
import pyarrow as pa
import pytest

from bench.latency import gates as judging
from bench.latency.gates import Null, Session, judge
from bench.latency.ladder import Rung
from bench.latency.trial import Arm, Measured
from bench.machine.canary import Canary
from bench.machine.cores import Split
from bench.session.surroundings import cpu_percent, foreign_share
from tests.unit.bench.toys import CORES, IDLE, ONE, TWO, gate, measured, session

OF_ARM = ["G1", "G2", "G3", "G4", "G6-steal", "G6-throttled", "G6-foreign", "G6-canary", "G7", "G8", "G9", "G10"]


def used(process: str, *percent: float, first_s: float = 0.5) -> list[dict[str, object]]:
    """Samples of a process, once a second."""
    return [
        {"t_ns": round((first_s + second) * 1e9), "process": process, "cpu_percent": cpu}
        for second, cpu in enumerate(percent)
    ]


def quiet(**changes: object) -> Measured:
    trial = measured(ONE)
    trial.canaries = [Canary([5.0])]
    trial.processes = [*used("generator", 10.0, 12.0), *used("web", 9.0, 10.0)]
    return replace(trial, **changes)


def loaded(**changes: object) -> Measured:
    return quiet(load=replace(quiet().load, **changes))


def recorded(count: int, requests_sent: int = 80, **columns: object) -> Measured:
    """A trial whose first rows were recorded otherwise."""
    table = quiet().load.table
    for name, value in columns.items():
        values = [value] * count + table[name].to_pylist()[count:]
        table = table.set_column(table.column_names.index(name), name, pa.array(values, table[name].type))
    return loaded(table=table, requests_sent=requests_sent)


def told(found: Session, *verdicts: str) -> dict[str, object]:
    """The values of the gates with one of these verdicts."""
    return {str(gate["gate"]): gate["value"] for gate in judge(found) if gate["verdict"] in verdicts}


def test_a_quiet_trial_passes_all_its_gates():
    gates = judge(session(quiet(), null=Null(200.0, 0.5, 1.0)))
    assert [each["gate"] for each in gates] == ["cores", "G5-lag", "G5-service", *OF_ARM, "A2"]
    assert {each["verdict"] for each in gates[:-1]} == {"pass"}
    assert gates[-1]["verdict"] == "not judged"  # one arm has no order


@pytest.mark.parametrize(
    ("disturbed", "tripped"),
    [
        (lambda: measured(ONE, lag_ms=9.0), {"G1": pytest.approx(9.0)}),
        (lambda: recorded(8, requests_sent=72, outcome="dropped", sent_ns=None, done_ns=None), {"G2": 0.1}),
        (lambda: quiet(processes=used("generator", 95.0, 95.0)), {"G3": 95.0}),
        (lambda: loaded(loop_lag_ns=[50_000_000] * 20), {"G4": 50.0}),
        (lambda: quiet(machine=replace(IDLE, steal_share=0.2)), {"G6-steal": 0.2}),
        (lambda: quiet(machine=replace(IDLE, throttled_s=0.5)), {"G6-throttled": 0.5}),
        (lambda: quiet(machine=replace(IDLE, busy_s=1.9)), {"G6-foreign": pytest.approx(0.85)}),
        (lambda: recorded(1, done_ns=-(10**9)), {"G8": pytest.approx(4.8, abs=0.1)}),
        (lambda: loaded(requests_sent=81), {"G9": 1.0}),
        (lambda: recorded(1, outcome="wrong"), {"G10": 1.0}),
    ],
)
def test_each_disturbance_trips_its_gate_and_no_other(disturbed: Callable[[], Measured], tripped: dict[str, object]):
    assert told(session(disturbed()), "fail") == tripped


@pytest.mark.parametrize("lost", [1, 8])
def test_a_row_that_got_lost_behind_the_generator_is_missed(lost: int):
    found = session(quiet())
    assert gate(replace(found, requests=found.requests[lost:]), "G2", "one")["verdict"] == "fail"


def test_a_row_that_is_there_twice_is_noticed():
    found = session(quiet())
    twice = pd.concat([found.requests, found.requests[:1]], ignore_index=True)
    assert gate(replace(found, requests=twice), "G2", "one")["verdict"] == "fail"


def test_a_queue_that_grows_is_told_with_its_rate_and_spoils_nothing():
    table = quiet().load.table
    done = pa.array([sent + number * 20_000_000 for number, sent in enumerate(table["sent_ns"].to_pylist())])
    grown = gate(
        session(loaded(table=table.set_column(table.column_names.index("done_ns"), "done_ns", done))), "G7", "one"
    )
    assert (grown["verdict"], grown["passed"]) == ("warn", True)
    assert str(grown["note"]).startswith("at 40 predictions per second: in flight +")


def test_every_arm_is_judged_by_its_own_trials_and_by_their_mean_share():
    trials = [
        replace(
            quiet(),
            machine=replace(IDLE, steal_share=share, throttled_s=share),
            trial=measured(arm, (number, number, 1)).trial,
        )
        for number, (arm, share) in enumerate([(ONE, 0.0), (ONE, 0.2), (ONE, 0.1), (TWO, 0.02)], start=1)
    ]
    found = session(*trials, arms=(ONE, TWO, Arm("absent", None)))
    assert [gate(found, "G6-steal", name)["value"] for name in ("one", "two")] == pytest.approx([0.1, 0.02])
    assert [gate(found, "G6-throttled", name)["value"] for name in ("one", "two")] == [0.2, 0.02]  # no time is good
    assert not [each for each in judge(found) if each["variant"] == "absent"]


def test_what_the_control_is_late_on_purpose_is_not_the_generator_s_fault():
    late = Arm("one + 30 ms", None, "one", "control", 30.0)
    control = measured(late, (2, 1, 2), lag_ms=30.5)
    assert gate(session(quiet(), control, arms=(ONE, late)), "G1", late.name)["value"] == pytest.approx(0.5)


def test_the_allowed_lag_is_a_share_of_the_shortest_median_service_at_low_load():
    rungs = [Rung(rate, rate / 100, 2.0, 0.3) for rate in (10.0, 40.0)]
    slow = measured(ONE, rungs=rungs, service_ms=400.0)
    assert judging.shortest_service(session(slow).found, "one") == pytest.approx(400.0)
    assert gate(session(slow), "G1", "one")["limit"] == pytest.approx(8.0)
    found = session(slow).found
    found.add(("one", "page", 10.0, "service"), 1, found.blocks(("one", "prediction", 10.0, "service"))[1] / 4)
    found.add(("one", "image", 40.0, "service"), 1, found.blocks(("one", "prediction", 10.0, "service"))[1] / 400)
    assert judging.shortest_service(found, "one") == pytest.approx(100.0)
    assert judging.shortest_service(found, "nobody") is None


def test_the_generator_s_cpu_counts_within_the_window_only():
    busy = [*used("generator", 90.0, 1.0, 2.0, 90.0, first_s=-0.5), *used("web", 99.0, 99.0)]
    assert cpu_percent([quiet(processes=busy)]) == [1.0, 2.0]


def test_foreign_is_what_the_core_was_busy_with_beyond_the_stack():
    """The core was busy for 1.2 of 2 s; web and model used 30 %, but for the first sample, which began before."""
    rows = [*used("web", 99.0, 10.0, 30.0), *used("model", 99.0, 10.0, 10.0), *used("generator", 80.0, 80.0, 80.0)]
    trial = quiet(processes=rows, machine=replace(IDLE, busy_s=1.2))
    assert foreign_share(trial, CORES) == pytest.approx(0.6 - 0.3)
    assert foreign_share(trial, Split((0, 1), (2, 3), pinned=True)) == pytest.approx(0.15)


def test_foreign_is_never_less_than_nothing_and_not_guessed():
    assert foreign_share(quiet(machine=replace(IDLE, busy_s=0.0)), CORES) == 0.0
    assert foreign_share(quiet(), replace(CORES, pinned=False)) is None
    assert foreign_share(quiet(processes=used("web", 10.0)), CORES) is None
    assert foreign_share(quiet(machine=replace(IDLE, wall_s=0.0)), CORES) is None


def test_garbage_that_was_collected_while_sending_is_a_warning():
    assert gate(session(loaded(loop_lag_ns=[0] * 20)), "G4", "one")["verdict"] == "pass"
    assert gate(session(loaded(loop_lag_ns=[0] * 20, collections=1)), "G4", "one")["verdict"] == "warn"
