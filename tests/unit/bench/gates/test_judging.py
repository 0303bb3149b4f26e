from collections.abc import Callable

import numpy as np
import pytest

from bench.gates import judging as gates
from bench.gates import thresholds
from bench.statistics.estimates import Estimate
from bench.statistics.steady import little, steadiness
from runfile.decoding import decode, encode
from runfile.facts import Gate, Validity

LIMITS = thresholds.load()
SPREAD = np.linspace(0, 1, 1000)  # its 99th percentile is 0.99
QUIET = {"steal_share": 0.0, "throttled_s": 0.0, "foreign_share": 0.01, "canary_deviation": 0.02}


@pytest.mark.parametrize(
    ("lag_ms", "service_ms", "expected"),
    [
        (0.9, 10, "pass"),
        (3.0, 10, "warn"),
        (6.0, 10, "fail"),
        (6.0, 400, "pass"),  # 2 % of 400 ms
        (6.0, 200, "warn"),
        (21.0, 400, "fail"),
        (0.9, None, "pass"),
    ],
)
def test_g1_a_generator_that_sends_late_trips(lag_ms: float, service_ms: float | None, expected: str):
    assert gates.lag(LIMITS, "v", np.full(500, lag_ms), service_ms).verdict == expected


def test_g1_looks_at_the_99th_percentile():
    assert gates.lag(LIMITS, "v", SPREAD, 10).value == pytest.approx(0.99, abs=0.002)
    assert gates.lag(LIMITS, "v", [0.1] * 980 + [9.0] * 20, 10).verdict == "fail"
    assert gates.lag(LIMITS, "v", [0.1] * 995 + [9.0] * 5, 10).verdict == "pass"


@pytest.mark.parametrize(
    ("sent", "dropped", "expected", "note"),
    [
        (10000, 0, "pass", "10000 of 10000 sent, 0 dropped"),
        (9995, 5, "warn", "5 dropped"),
        (9980, 20, "fail", "20 dropped"),
        (9999, 0, "fail", "1 not accounted for"),
        (10001, 0, "fail", "-1 not accounted for"),
    ],
)
def test_g2_an_arrival_that_is_dropped_or_lost_trips(sent: int, dropped: int, expected: str, note: str):
    gate = gates.complete(LIMITS, "v", scheduled=10000, sent=sent, dropped=dropped)
    assert (gate.verdict, note in gate.note) == (expected, True)


@pytest.mark.parametrize(("percent", "expected"), [(30, "pass"), (60, "warn"), (95, "fail")])
def test_g3_a_busy_generator_process_trips_however_idle_the_others_are(percent: float, expected: str):
    gate = gates.generator_cpu(LIMITS, "v", {"worker 1": [percent, 0.0, percent], "worker 2": [5.0, 5.0], "x": []})
    assert (gate.verdict, gate.note) == (expected, "worker 1")


@pytest.mark.parametrize(
    ("lag_ms", "gc_off", "expected"),
    [(1.0, True, "pass"), (1.0, False, "warn"), (5.0, True, "warn"), (50.0, True, "fail"), (50.0, False, "fail")],
)
def test_g4_a_loop_that_comes_round_late_trips(lag_ms: float, *, gc_off: bool, expected: str):
    gate = gates.loop_lag(LIMITS, "v", lag_ms, gc_off=gc_off)
    assert gate.verdict == expected


@pytest.mark.parametrize(
    ("lag_ms", "service_ms", "expected"),
    [(0.5, 1.0, ["pass", "pass"]), (2.0, 1.0, ["warn", "pass"]), (3.0, 1.0, ["fail", "pass"]),
     (0.5, 3.0, ["pass", "fail"]), (None, None, ["not judged", "not judged"])],
)  # fmt: skip
def test_g5_a_null_server_that_seems_slow_trips(lag_ms: float | None, service_ms: float | None, expected: list[str]):
    found = gates.calibration(LIMITS, 200, lag_ms, service_ms)
    assert [gate.verdict for gate in found] == expected
    assert found[0].note == "at 200 requests a second"


@pytest.mark.parametrize(
    ("change", "gate", "expected"),
    [
        ({"steal_share": 0.02}, "G6-steal", "warn"),
        ({"steal_share": 0.2}, "G6-steal", "fail"),
        ({"throttled_s": 0.1}, "G6-throttled", "fail"),
        ({"foreign_share": 0.1}, "G6-foreign", "warn"),
        ({"foreign_share": 0.3}, "G6-foreign", "fail"),
        ({"canary_deviation": 0.3}, "G6-canary", "warn"),
        ({"canary_deviation": 1.2}, "G6-canary", "fail"),
        ({"throttled_s": None}, "G6-throttled", "not judged"),
    ],
)
def test_g6_each_disturbance_trips_its_own_gate_only(change: dict[str, float | None], gate: str, expected: str):
    found = {each.gate: each.verdict for each in gates.environment(LIMITS, "v", **{**QUIET, **change})}
    assert found.pop(gate) == expected
    assert list(found.values()) == ["pass"] * 3


def test_g7_a_server_that_drifts_is_told_but_spoils_nothing():
    intended = np.linspace(0, 20, 400, endpoint=False)
    for slower, expected in ((0, "pass"), (2, "warn")):
        done = intended + 0.1 * (1 + slower * intended / 20)
        gate = gates.steady(LIMITS, "v", steadiness(intended, done, 0, 20, LIMITS["G7"].passes), "at 20 per s")
        assert gate.verdict == expected
        assert gate.note.startswith("at 20 per s: in flight +")
    assert gates.steady(LIMITS, "v", None).verdict == "not judged"


@pytest.mark.parametrize(("twice", "expected"), [(0, "pass"), (30, "warn"), (100, "fail")])
def test_g8_requests_that_are_counted_twice_trip(twice: int, expected: str):
    intended = np.linspace(0, 20, 1000, endpoint=False)
    intended = np.append(intended, intended[100 : 100 + twice])
    assert gates.books(LIMITS, "v", little(intended, intended + 0.1, 0, 20, scheduled=1000)).verdict == expected


@pytest.mark.parametrize(("on_wire", "expected"), [(100, "pass"), (99, "pass"), (101, "fail")])
def test_g9_a_hidden_retry_trips(on_wire: int, expected: str):
    assert gates.single_attempts(LIMITS, "v", recorded=100, on_wire=on_wire, connections=4).verdict == expected


@pytest.mark.parametrize(("wrong", "expected"), [(0, "pass"), (1, "fail")])
def test_g10_a_wrong_answer_trips(wrong: int, expected: str):
    assert gates.same_answers(LIMITS, "v", wrong=wrong, compared=100).verdict == expected


@pytest.mark.parametrize(("shared", "expected"), [(0, "pass"), (1, "fail")])
def test_shared_cores_trip(shared: int, expected: str):
    assert gates.own_cores(LIMITS, shared=shared, pinned=True).verdict == expected
    assert "cannot pin" in gates.own_cores(LIMITS, shared=shared, pinned=False).note


@pytest.mark.parametrize(
    ("estimate", "expected"),
    [
        (Estimate(1.01, 0.98, 1.04, 6), ["pass", "pass"]),
        (Estimate(1.01, 0.90, 1.13, 6), ["pass", "warn"]),
        (Estimate(1.04, 1.02, 1.06, 6), ["fail", "pass"]),
        (Estimate(0.96, 0.94, 0.98, 6), ["fail", "pass"]),
        (Estimate(1.04, None, None, 1), ["not judged", "not judged"]),
    ],
)
def test_a1_two_copies_that_differ_trip_and_a_wide_interval_warns(estimate: Estimate, expected: list[str]):
    assert [gate.verdict for gate in gates.equal(LIMITS, "v", {"response_p50": estimate})] == expected


def test_a1_judges_the_primary_metric_alone_and_allows_the_tail_more_width():
    level, wide = Estimate(1.0, 0.99, 1.01, 6), Estimate(1.2, 1.1, 1.3, 6)
    found = gates.equal(LIMITS, "v", {"response_p50": level, "response_p95": wide, "response_p99": wide})
    assert [(gate.gate, gate.limit) for gate in found] == [
        ("A1", 0.0), ("A1-width", 0.05), ("A1-width", 0.1), ("A1-width", 0.2),
    ]  # fmt: skip
    assert [gate.verdict for gate in found] == ["pass", "pass", "pass", "pass"]
    assert "response_p95 1.2 [1.1, 1.3] x" in found[0].note


def test_a1_without_that_arm_is_not_judged():
    assert [gate.verdict for gate in gates.equal(LIMITS, "v", {})] == ["not judged"]


@pytest.mark.parametrize(
    ("effect", "expected"),
    [(Estimate(0.01, -0.01, 0.03, 6), "pass"), (Estimate(0.03, 0.02, 0.04, 6), "warn"), (None, "not judged")],
)
def test_a2_an_effect_of_the_order_warns(effect: Estimate | None, expected: str):
    assert gates.order(LIMITS, effect).verdict == expected


@pytest.mark.parametrize(
    ("difference", "expected"),
    [
        (Estimate(10.2, 8.0, 12.0, 6), "pass"),
        (Estimate(5.0, 4.0, 6.0, 6), "fail"),
        (Estimate(14.0, 12.0, 16.0, 6), "fail"),
        (Estimate(10.0, -5.0, 25.0, 6), "warn"),  # contains 10, and nothing as well
        (None, "not judged"),
    ],
)
def test_a3_a_delay_that_is_not_found_trips(difference: Estimate | None, expected: str):
    assert gates.control(LIMITS, "v", difference, 10.0).verdict == expected


@pytest.mark.parametrize(
    "judge",
    [
        lambda: gates.lag(LIMITS, "v", [], None),
        lambda: gates.complete(LIMITS, "v", scheduled=0, sent=0, dropped=0),
        lambda: gates.single_attempts(LIMITS, "v", recorded=0, on_wire=0, connections=0),
        lambda: gates.same_answers(LIMITS, "v", wrong=0, compared=0),
    ],
)
def test_without_any_data_what_every_run_must_show_fails(judge: Callable[[], Gate]):
    assert (judge().verdict, judge().value) == ("fail", None)


@pytest.mark.parametrize(
    "judge",
    [
        lambda: gates.generator_cpu(LIMITS, "v", {}),
        lambda: gates.loop_lag(LIMITS, "v", None, gc_off=True),
        lambda: gates.books(LIMITS, "v", None),
    ],
)
def test_without_any_data_the_others_are_not_judged(judge: Callable[[], Gate]):
    assert judge().verdict == "not judged"


def test_a_run_is_not_valid_for_a_failure_but_for_a_warning_or_what_was_not_judged():
    good = [gates.order(LIMITS, Estimate(0.03, 0.02, 0.04, 6)), gates.control(LIMITS, "v", None, 10.0)]
    assert gates.validity(good) == Validity(valid=True)
    late = gates.lag(LIMITS, "v", [6.0], 20)
    assert gates.validity([*good, late]) == Validity(valid=False, reasons=(gates.reason(late),))


def test_what_else_speaks_against_a_run_is_told_first():
    late = gates.lag(LIMITS, "v", [6.0], 20)
    assert gates.validity([late], "no trial was completed") == Validity(
        valid=False, reasons=("no trial was completed", gates.reason(late))
    )
    assert not gates.validity([], "no trial was completed").valid


def test_a_reason_says_what_was_measured_what_the_limit_is_and_what_to_do():
    assert gates.reason(gates.lag(LIMITS, "v", [6.0], 20)) == (
        "G1: The generator sent in time (lag p99): v has 6 ms, the limit is 5 ms (n = 1). Close other programs and "
        "run again; if the generator is still late, lower the rates."
    )


def test_a_reason_says_what_is_missing_and_names_the_machine_where_no_variant_is_concerned():
    assert "v has nothing measured" in gates.reason(gates.lag(LIMITS, "v", [], None))
    assert "this machine has 1 shared cores" in gates.reason(gates.own_cores(LIMITS, shared=1, pinned=True))


def test_every_entry_survives_run_json():
    found = [
        *gates.equal(LIMITS, "v", {"response_p50": Estimate(1.0, 0.0, float("inf"), 6)}),
        gates.order(LIMITS, None),
    ]
    assert [decode(Gate, encode(gate)) for gate in found] == found
    assert found[1].value is None
