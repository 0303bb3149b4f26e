"""What is concluded from what was recorded: from a whole run, from half of one, from nothing."""

from dataclasses import astuple, replace

import numpy as np
import pytest

from bench.latency import expectations
from bench.latency.conclude import conclude
from bench.session.experiment import Conclusion, Raw
from bench.session.trial import Measured
from bench.statistics.quantities import RAW_LIMIT
from runfile.facts import Expectation, Side
from tests.unit.bench.latency.made_up import (
    COPY,
    LATE,
    LOW,
    ONE,
    PROFILE,
    TWO,
    changed,
    climb,
    facts,
    numbers,
    raw,
    turns,
)

ARMS = (ONE, TWO, COPY, LATE)
NOISE = np.random.default_rng(3).lognormal(0, 0.02, (9, 9, 99))
SIDES = [Side(name, "prediction", "response_p50") for name in ("two", "one")]
EXPECTED = Expectation("two / one", *SIDES, "ratio", 1.5, "x")
LONG = {0.3: 4.0, 0.9: 4.0, 2.0: 4.0}


def stored_and_live(block: int, round_: int, arm: str) -> float:
    """`two` looks up, the others compute; in some rounds the machine is twice as slow."""
    slow = 1 + (block + round_) % 2
    return (2.0 if arm == "two" else 15.0) * slow * NOISE[block, round_, len(arm)]


def whole(blocks: int = 4) -> list[Measured]:
    """A run like a real one: turns in every block, staircases in the first."""
    return [
        turns(1, stored_and_live, ARMS), climb(1, "one", loads=LONG), climb(1, "two", loads=LONG),
        *[turns(block, stored_and_live, ARMS) for block in range(2, blocks + 1)],
    ]  # fmt: skip


def run(*measured: Measured, **found: object) -> Raw:
    return raw(*measured, arms=(COPY, LATE), **{"expectations": (EXPECTED,), **found})


def values(concluded: Conclusion) -> list[float]:
    """All finite milliseconds of the results."""
    known = [(row.value, row.low, row.high) for row in concluded.rows if row.unit == "ms"]
    return [each for row in known for each in row if each is not None and np.isfinite(each)]


def test_a_stored_prediction_is_claimed_to_be_faster_than_a_live_one_on_a_machine_that_swings():
    concluded = conclude(run(*whole()))
    (p50,) = [each for each in concluded.facts["ratios"] if each.metric == "response_p50" and each.offered_per_s == LOW]
    assert (p50.left, p50.right, p50.claim, p50.n) == ("two", "one", True, 4)
    assert p50.value == pytest.approx(2.1 / 15.1, rel=0.03)
    assert p50.high / p50.low < 1.1
    assert p50.floor_half_width < 0.08
    assert concluded.facts["validity"].valid
    assert concluded.facts["checks"][0].verdict == "met"


def test_every_number_of_a_fact_is_a_row_too():
    concluded = conclude(run(*whole()))
    rows = {astuple(row)[4:7] for row in concluded.rows}
    for kind in ("ratios", "noise_floor", "checks"):
        for each in concluded.facts[kind]:
            assert (each.value, each.low, each.high) in rows
    assert {(None, each.low, each.high) for each in concluded.facts["capacity"]} <= rows


# What does not count never counts.


def test_a_trial_that_was_rejected_changes_no_number_wherever_one_looks():
    """A simulated run once said 235 ms in one place and 28 ms in the other."""
    good = [turns(1, lambda *_: 28.0), turns(2, lambda *_: 28.0), climb(1)]
    rejected = [
        facts(turns(1, lambda *_: 235.0, lag_ms=60.0), reason="the generator was late", canary_ms=99.0),
        facts(climb(1, service_ms=235.0, loads={11.75: 2.0}), reason="20% of the CPU was stolen"),  # at the same rate
    ]
    concluded = conclude(raw(*good, *rejected))
    assert concluded == conclude(raw(*good))
    p95 = numbers(concluded, "response_p95")
    assert [p95[name, LOW].value for name in ("one", "two")] == pytest.approx([28.1, 28.1])
    assert max(values(concluded)) < 100


def test_a_round_that_was_rejected_changes_no_number_wherever_one_looks():
    """The third round took 235 ms; it was measured again, in a flight of its own."""
    slow = turns(1, lambda _, round_, __: 235.0 if round_ == 3 else 28.0).without({3: "the generator was late"})
    again = turns(1, lambda *_: 28.0, rounds=(1,))
    concluded = conclude(raw(slow, again, turns(2, lambda *_: 28.0)))
    p95 = numbers(concluded, "response_p95")
    assert [(p95[name, LOW].value, p95[name, LOW].n) for name in ("one", "two")] == [(pytest.approx(28.1), 160)] * 2
    assert max(values(concluded)) < 29
    assert {each.n for each in concluded.facts["ratios"]} == {2}
    assert concluded.facts["validity"].valid


def test_neither_a_warm_up_nor_what_came_before_the_window_counts():
    concluded = conclude(raw(turns(1, lambda _, round_, __: 10.0 if round_ else 900.0), climb(loads={0.3: 2.0})))
    assert max(values(concluded)) < 100


# After less than a whole run.


def test_after_no_trial_at_all_there_are_no_numbers_and_the_run_is_not_valid():
    concluded = conclude(run())
    assert [row.metric for row in concluded.rows] == ["check: two / one"]
    assert concluded.facts["validity"].reasons == ("no trial was completed",)
    assert (concluded.facts["ratios"], concluded.facts["capacity"], concluded.facts["noise_floor"]) == ((), (), ())
    assert concluded.facts["checks"][0].verdict == "withheld"
    assert conclude(run(facts(turns(), reason="late"))).facts["validity"].reasons == ("no trial was completed",)


@pytest.mark.parametrize("count", range(1, 7))
def test_whatever_was_measured_before_the_end_is_concluded(count: int):
    concluded = conclude(run(*whole()[:count], expectations=expectations.load()))
    assert numbers(concluded, "response_p50")["one", LOW].value > 0
    assert len(concluded.facts["capacity"]) == min(2, count - 1)
    assert any(each.claim for each in concluded.facts["ratios"]) is (count > 3)  # it takes two blocks


def test_staircases_alone_are_concluded_too():
    concluded = conclude(run(climb(1, "two", loads=LONG)))
    assert {(each.variant, each.low is not None) for each in concluded.facts["capacity"]} == {("two", True)}
    assert concluded.facts["checks"][0].note.startswith("not measured on both sides")


def test_an_arm_that_is_missing_in_a_block_is_compared_in_the_others():
    blocks = [turns(block, stored_and_live, ARMS if block != 2 else (ONE, COPY)) for block in (1, 2, 3)]
    concluded = conclude(run(*blocks))
    (p50,) = [each for each in concluded.facts["ratios"] if each.metric == "response_p50"]
    assert (p50.n, p50.claim) == (2, True)
    assert numbers(concluded, "response_p50")["one", LOW].n == 240
    assert next(each.n for each in concluded.facts["noise_floor"] if each.metric == "response_p50") == 3


def test_without_a_copy_nothing_is_claimed():
    concluded = conclude(raw(*[turns(block, stored_and_live) for block in (1, 2, 3)]))
    assert concluded.facts["noise_floor"] == ()
    assert {each.claim for each in concluded.facts["ratios"]} == {False}
    assert {row.verdict for row in concluded.rows if " / " in row.metric} == {"within the noise"}


# The staircase.


def test_the_capacity_lies_between_what_was_carried_and_what_was_not():
    climbs = [climb(block, loads={0.3: 4.0, 0.7: 4.0, 1.3: 4.0, 2.0: 4.0}) for block in (1, 2, 3, 4)]
    (one,) = conclude(raw(*climbs)).facts["capacity"]
    assert (one.variant, one.low, one.high) == ("one", 70.0, 130.0)
    assert [(point.rate_per_s, point.verdict, point.grew) for point in one.points] == [
        (30.0, "pass", False), (70.0, "pass", False), (130.0, "fail", True), (200.0, "fail", True),
    ]  # fmt: skip
    assert (one.slo_ms, one.share) == (250.0, 0.05)


def test_a_step_whose_backlog_grew_does_not_pass_however_generous_the_objective():
    """All answers came within a minute, and in a longer step they would not have."""
    (one,) = conclude(raw(climb(loads={0.5: 4.0, 2.0: 4.0}), slo_ms=60_000.0)).facts["capacity"]
    assert [(point.over, point.grew, point.verdict) for point in one.points] == [(0, False, "pass"), (0, True, "fail")]
    assert (one.low, one.high) == (50.0, 200.0)


def test_where_the_queue_grew_percentiles_are_withheld_and_goodput_and_backlog_are_shown():
    concluded = conclude(raw(climb(loads={0.5: 4.0, 2.0: 4.0})))
    for metric in ("response_p50", "response_p95", "service_p50"):
        row = numbers(concluded, metric)["one", 200.0]
        assert (row.value, row.verdict) == (None, "saturated")
        assert numbers(concluded, metric)["one", 50.0].verdict != "saturated"
    assert numbers(concluded, "goodput")["one", 200.0].value is not None
    assert numbers(concluded, "backlog")["one", 200.0].value > 100


def test_the_same_rate_in_several_blocks_is_one_point():
    (one,) = conclude(raw(*[climb(block, loads={0.5: 4.0}) for block in (1, 2, 3)])).facts["capacity"]
    assert [(point.rate_per_s, point.n, point.verdict) for point in one.points] == [(50.0, 600, "pass")]


# The bare model.


def with_bare(block: int, ms: float = 12.0) -> Measured:
    """Turns that the bare model takes part in, and its turn back to back at the end."""
    profile = replace(PROFILE, raw_limit=True)
    made = turns(block, lambda _, round_, arm: (13.0 if arm == "one" else 14.0) + round_, profile=profile)
    steps = [step for step in made.trial.steps if step.variant == RAW_LIMIT]
    rows = [
        bare(step.step, round(step.start_s * 1e9) + at, (ms + step.round) * 1e6, step.rate_per_s)
        for step in steps
        for at in range(0, 20_000_000, 1_000_000)
    ]
    last = made.trial.steps[-1]
    return replace(made, more=[*rows, *(bare(last.step, 10**10 + at, 5e6, None) for at in range(20))])


def bare(step: int, at_ns: int, took_ns: float, rate: float | None) -> dict[str, object]:
    times = {"intended_ns": at_ns, "sent_ns": at_ns, "done_ns": at_ns + round(took_ns), "offered_per_s": rate}
    case = "prediction" if rate else "back to back"
    return {"variant": RAW_LIMIT, "step": step, "case": case, **times, "stage_infer_ms": 1.0, "outcome": "ok"}


def test_the_bare_model_is_measured_at_both_paces_and_held_against_the_variants_round_by_round():
    against = replace(EXPECTED, left=SIDES[1], right=Side(RAW_LIMIT, "prediction", "response_p50"))
    concluded = conclude(run(*[with_bare(block) for block in (1, 2, 3)], expectations=(against,)))
    (check,) = concluded.facts["checks"]
    assert (check.verdict, check.n, check.value) == ("met", 3, pytest.approx(15.6 / 14.5, rel=0.01))
    assert numbers(concluded, "response_p50")[RAW_LIMIT, LOW].value == pytest.approx(13.0)
    assert numbers(concluded, "response_p50", "back to back")[RAW_LIMIT, None].value == pytest.approx(5.0)
    assert concluded.facts["validity"].valid  # it went over no wire, and is no arm of which a schedule was promised


def test_the_rounds_that_do_not_count_do_not_count_for_the_bare_model_either():
    slow = replace(with_bare(1, 900.0).without(dict.fromkeys([1, 2, 3, 4], "late")), more=with_bare(1, 900.0).more)
    concluded = conclude(raw(slow, with_bare(2), with_bare(3)))
    assert max(values(concluded)) < 100


def test_failures_are_slower_than_anything():
    made = turns(1)
    own = [step.step for step in made.trial.steps if step.variant == "two" and step.round]
    failing = changed(made, np.isin(made.load.table["step"].to_numpy(), own), outcome="error")
    concluded = conclude(raw(failing))
    assert numbers(concluded, "response_p50")["two", LOW].value == np.inf
    assert numbers(concluded, "failed_share")["two", LOW].value == 1.0
