import math
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from bench.gates import thresholds
from bench.peers.bare import ImagePath
from bench.peers.results import Found, collect, own_cost_ms, share_of_bare, turnaround_ms
from bench.peers.rounds import CROWD, MODEL, Round
from bench.peers.slices import Slice
from tests.unit.bench.peers.made_up import measured, overload, steady

LIMITS = thresholds.load()
LATE = [(n * 10.0, n * 10.0 + 40, n * 10.0 + 50, 200, "ok") for n in range(100)]


def found(*each: object, images: dict[int, ImagePath] | None = None) -> Found:
    return collect(each, images or {}, LIMITS, 200.0)  # type: ignore[arg-type]


def crowd(before_ms: float, rate: float, after_ms: float) -> Round:
    return Round(before_ms, [Slice(CROWD, rate, [1.0], {}, 0.1)], after_ms)


def test_a_pause_of_the_machine_in_one_round_moves_neither_own_cost_nor_share():
    calm, paused, slow = crowd(2.0, 250.0, 2.0), crowd(2.0, 20.0, 2.0), crowd(2.0, 400.0, 40.0)
    assert own_cost_ms([calm, paused, calm, calm, slow]) == pytest.approx(2.0)
    assert share_of_bare([calm, paused, calm, calm, slow], CROWD) == pytest.approx(0.5)


def test_the_turnaround_of_the_clients_is_told_in_milliseconds_where_it_is_known():
    several = [Slice(CROWD, 50.0, [1.0], {}, each) for each in (0.02, None, 0.01, 9.0)]
    rounds = [Round(20.0, [each], 20.0) for each in several]
    assert turnaround_ms(rounds) == 0.02
    known, unknown = measured(), measured("fastapi")
    unknown.rounds[MODEL][0].slices[1] = replace(unknown.rounds[MODEL][0].slices[1], turnaround_ms=None)
    rows = {row["variant"]: row for row in found(known, unknown).rows() if row["metric"] == "client_turnaround"}
    assert (rows["sweetspot"]["value"], rows["sweetspot"]["unit"]) == (0.1, "ms")
    assert (rows["fastapi"]["value"], rows["fastapi"]["verdict"]) == (None, "withheld")


def test_own_cost_is_the_time_beyond_the_bare_loop_of_the_same_round():
    assert own_cost_ms([crowd(2.0, 250.0, 2.0)]) == pytest.approx(2.0)


def test_a_machine_that_slows_down_steadily_costs_the_server_nothing():
    """Twice as slow at the end as at the beginning, and the server needs 10 % more than the bare loop throughout."""
    pace = [10.0, 15.0, 20.0]
    rounds = [crowd(a, 1e3 / (1.1 * (a + b) / 2), b) for a, b in pairwise(pace)]
    assert share_of_bare(rounds, CROWD) == pytest.approx(1 / 1.1)


def test_intervals_are_over_blocks_and_one_block_has_none():
    one = found(measured(overloads=[overload(steady())]))
    assert all(each.low is None for (_, _, metric), (each, _) in one.estimates.items() if metric != "agreement")
    several = found(*(measured(block=block, no_op_ms=3.0 + block / 10) for block in range(1, 5)))
    cost, unit = several.estimates["sweetspot", "no-op", "own_cost"]
    assert (cost.value, cost.n, unit) == (pytest.approx(1.25), 4, "ms")
    assert cost.low is not None
    assert cost.high is not None
    assert cost.low < 1.25 < cost.high


def test_every_row_has_its_unit_and_what_is_not_known_is_withheld():
    rows = {(row["case"], row["metric"]): row for row in found(measured(overloads=[overload(steady())])).rows()}
    assert (rows["no-op", "own_cost"]["value"], rows["no-op", "own_cost"]["unit"]) == (pytest.approx(1.0), "ms")
    assert rows["8 clients", "share_of_bare"]["value"] == pytest.approx(1.0)
    assert rows["8 clients", "memory"]["value"] == 200.0
    assert rows["8 clients", "goodput_share"]["value"] == 1.0
    assert rows["2 x capacity", "goodput_share"]["value"] == pytest.approx(2.0)
    assert rows["2 x capacity", "refusal_p50"]["verdict"] == "withheld"
    assert {row["experiment"] for row in rows.values()} == {"peers"}


def test_the_bare_loop_is_the_median_beside_all_peers():
    table = found(*(measured(name, bare_ms=ms) for name, ms in (("sweetspot", 10.0), ("fastapi", 20.0), ("ray", 90.0))))
    assert table.estimates["bare loop", "alone", "throughput"][0].value == pytest.approx(50.0)


def test_a_step_that_the_generator_did_not_send_in_time_is_told_and_does_not_count():
    table = found(
        measured(block=1, overloads=[overload(LATE)]), measured(block=2, overloads=[overload(steady(), before=100.0)])
    )
    assert [(each["variant"], each["case"], each["block"]) for each in table.withheld] == [
        ("sweetspot", "2 x capacity", 1)
    ]
    assert table.estimates["sweetspot", "2 x capacity", "goodput_share"][0].n == 1
    none_left = found(measured(overloads=[overload(LATE)]))
    assert none_left.estimates["sweetspot", "2 x capacity", "accepted_p99"][0].value is None
    assert none_left.estimates["sweetspot", "2 x capacity", "goodput_share"][0].value is None


def test_failures_reach_into_percentiles():
    rng = np.random.default_rng(1)
    rows = [(*row[:3], 500, "error") if rng.random() < 0.8 else row for row in steady(200)]
    table = found(measured(overloads=[overload(rows)]))
    assert table.estimates["sweetspot", "2 x capacity", "accepted_p50"][0].value == math.inf


def test_the_image_path_is_a_ratio_with_an_interval_and_a_count_without():
    images = {1: ImagePath(6.0, 2.0, 50, 50), 2: ImagePath(6.0, 2.4, 49, 50)}
    table = found(measured(), images=images)
    ratio = table.estimates["bare loop", "image path", "ratio"][0]
    assert ratio.value == pytest.approx((1 / 3 * 0.4) ** 0.5)
    assert ratio.low is not None
    share = table.estimates["bare loop", "image path", "agreement"][0]
    assert (share.value, share.low, share.high, share.n) == (0.98, 0.98, 0.98, 50)


def test_nothing_measured_has_no_rows():
    assert found().rows() == []
