import math
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from bench.peers.results import own_cost_ms, share_of_bare, turnaround_ms
from bench.peers.slices import CROWD, MODEL, NO_OP
from runfile.facts import ImagePath, PeerTrial, Round, Slice
from runfile.rows import RunFileError
from tests.unit.bench.peers.made_up import LATE, Step, found, measured, round_of, steady


def crowd(before_ms: float, rate: float, after_ms: float) -> Round:
    return Round(before_ms, (Slice(CROWD, rate, 0.1),), after_ms)


def of(*rounds: Round) -> PeerTrial:
    return PeerTrial(1, 1, "sweetspot", rounds={NO_OP: rounds, MODEL: rounds})


def test_a_pause_of_the_machine_in_one_round_moves_neither_own_cost_nor_share():
    calm, paused, slow = crowd(2.0, 250.0, 2.0), crowd(2.0, 20.0, 2.0), crowd(2.0, 400.0, 40.0)
    trial = of(calm, paused, calm, calm, slow)
    assert own_cost_ms(trial) == pytest.approx(2.0)
    assert share_of_bare(trial, CROWD) == pytest.approx(0.5)


def test_the_turnaround_of_the_clients_is_told_in_milliseconds_where_it_is_known():
    rounds = [Round(20.0, (Slice(CROWD, 50.0, each),), 20.0) for each in (0.02, None, 0.01, 9.0)]
    assert turnaround_ms(of(*rounds)) == 0.02
    table = found(measured(), measured("fastapi", turnaround_ms=None)).rows()
    rows = {row.variant: row for row in table if row.metric == "client_turnaround"}
    assert (rows["sweetspot"].value, rows["sweetspot"].unit) == (0.1, "ms")
    assert (rows["fastapi"].value, rows["fastapi"].verdict) == (None, "withheld")


def test_own_cost_is_the_time_beyond_the_bare_loop_of_the_same_round():
    assert own_cost_ms(of(crowd(2.0, 250.0, 2.0))) == pytest.approx(2.0)


def test_a_machine_that_slows_down_steadily_costs_the_server_nothing():
    """Twice as slow at the end as at the beginning, and the server needs 10 % more than the bare loop throughout."""
    pace = [10.0, 15.0, 20.0]
    rounds = [crowd(a, 1e3 / (1.1 * (a + b) / 2), b) for a, b in pairwise(pace)]
    assert share_of_bare(of(*rounds), CROWD) == pytest.approx(1 / 1.1)


def test_intervals_are_over_blocks_and_one_block_has_none():
    one = found(measured())
    assert all(each.low is None for (_, _, metric), (each, _) in one.estimates.items() if metric != "agreement")
    several = found(*(measured(block=block, no_op_ms=3.0 + block / 10) for block in range(1, 5)))
    cost, unit = several.estimates["sweetspot", "no-op", "own_cost"]
    assert (cost.value, cost.n, unit) == (pytest.approx(1.25), 4, "ms")
    assert cost.low is not None
    assert cost.high is not None
    assert cost.low < 1.25 < cost.high


def test_every_row_has_its_unit_and_what_is_not_known_is_withheld():
    rows = {(row.case, row.metric): row for row in found(measured(steps=[Step(before=50.0)])).rows()}
    assert (rows["no-op", "own_cost"].value, rows["no-op", "own_cost"].unit) == (pytest.approx(1.0), "ms")
    assert rows["8 clients", "share_of_bare"].value == pytest.approx(1.0)
    assert rows["8 clients", "memory"].value == 200.0
    assert rows["8 clients", "goodput_share"].value == 1.0
    assert rows["alone", "latency_p50"].value == pytest.approx(10.0)
    assert rows["alone", "latency_p50"].n == 100
    assert rows["2 x capacity", "goodput_share"].value == pytest.approx(2.0)
    assert rows["2 x capacity", "refusal_p50"].verdict == "withheld"
    assert {row.experiment for row in rows.values()} == {"peers"}


def test_what_was_measured_again_is_told_and_in_no_number():
    spoiled = measured(steps=[Step(LATE, reason="the generator was late"), Step(before=100.0)])
    rounds = {MODEL: (*spoiled.trial.rounds[MODEL], round_of(90.0, {1: 1.0, 8: 1.0}, reason="the bare loop changed"))}
    spoiled = replace(spoiled, trial=replace(spoiled.trial, rounds={**spoiled.trial.rounds, **rounds}))
    table = found(spoiled)
    assert [(each.case, each.reason) for each in table.withheld] == [
        ("efficientnet-lite", "measured again, because the bare loop changed"),
        ("2 x capacity", "measured again, because the generator was late"),
    ]
    assert table.estimate(("sweetspot", "2 x capacity", "accepted_p50")).value == pytest.approx(8.0)
    assert table.estimate(("sweetspot", "8 clients", "throughput")).value == 50.0
    assert table.estimate(("bare loop", "alone", "throughput")).value == 50.0


def test_a_trial_that_was_measured_again_is_in_no_number():
    stolen = measured(no_op_ms=9.0).spoiled("30% of the CPU was stolen")
    cost = found(stolen, replace(measured(), trial=replace(measured().trial, trial=7))).estimate(
        ("sweetspot", "no-op", "own_cost")
    )
    assert (cost.value, cost.n) == (pytest.approx(1.0), 1)


def test_the_bare_loop_is_the_median_beside_all_peers():
    table = found(*(measured(name, bare_ms=ms) for name, ms in (("sweetspot", 10.0), ("fastapi", 20.0), ("ray", 90.0))))
    assert table.estimates["bare loop", "alone", "throughput"][0].value == pytest.approx(50.0)


def test_loads_that_differ_little_are_cases_of_their_own():
    table = found(
        measured(steps=[Step(load=2.001, before=100.0), Step(steady(service_ms=4.0), load=2.004, before=100.0)])
    )
    medians = {
        case: table.estimate(("sweetspot", f"{case} x capacity", "accepted_p50")).value for case in ("2.001", "2.004")
    }
    assert medians == {"2.001": pytest.approx(8.0), "2.004": pytest.approx(4.0)}


def test_a_step_that_stayed_spoiled_is_told_and_does_not_count():
    late, good = measured(block=1, steps=[Step(LATE)]), measured(block=2)
    table = found(late, good)
    assert [(each.variant, each.case, each.block) for each in table.withheld] == [("sweetspot", "2 x capacity", 1)]
    assert table.estimate(("sweetspot", "2 x capacity", "goodput_share")).n == 1
    none_left = found(late)
    assert none_left.estimate(("sweetspot", "2 x capacity", "accepted_p99")).value is None
    assert none_left.estimate(("sweetspot", "2 x capacity", "goodput_share")).value is None
    assert ("sweetspot", "2 x capacity", "goodput_share") in none_left.estimates, "it is told to be withheld"


def test_failures_reach_into_percentiles():
    rng = np.random.default_rng(1)
    rows = [(*row[:3], 500, "error") if rng.random() < 0.8 else row for row in steady(200)]
    table = found(measured(steps=[Step(rows)]))
    assert table.estimate(("sweetspot", "2 x capacity", "accepted_p50")).value == math.inf


def test_the_image_path_is_a_ratio_with_an_interval_and_a_count_without():
    table = found(measured(), images=[ImagePath(1, 6.0, 2.0, 50, 50), ImagePath(2, 6.0, 2.4, 49, 50)])
    ratio = table.estimate(("bare loop", "image path", "ratio"))
    assert ratio.value == pytest.approx((1 / 3 * 0.4) ** 0.5)
    assert ratio.low is not None
    share = table.estimate(("bare loop", "image path", "agreement"))
    assert (share.value, share.low, share.high, share.n) == (0.98, 0.98, 0.98, 50)


def test_nothing_measured_has_no_rows():
    assert found().rows() == []


@pytest.mark.parametrize("model", [NO_OP, MODEL])
@pytest.mark.parametrize(
    "rounds",
    [None, (), (replace(crowd(2.0, 250.0, 2.0), reason="late"),), (Round(2.0, (), 2.0),),
     (Round(2.0, (Slice(3, 1.0, 0.1),), 2.0),)],
)  # fmt: skip
def test_a_trial_without_what_it_must_have_measured_is_damaged(model: str, rounds: tuple[Round, ...] | None):
    whole = measured()
    kept = {**whole.trial.rounds, model: rounds}
    of_model = {name: each for name, each in kept.items() if each is not None}
    broken = replace(whole, trial=replace(whole.trial, rounds=of_model))
    with pytest.raises(RunFileError, match=rf"trial \d+ of sweetspot does not have its rounds of {model}"):
        found(broken)
    found(replace(broken, trial=replace(broken.trial, reason="spoiled")))  # what does not count may lack anything
