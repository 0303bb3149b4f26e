import dataclasses
import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from bench.comparing import capacities, machine, words
from bench.comparing.compare import Comparison, compare, comparison, lines
from bench.comparing.machine import Movement, amplification
from bench.comparing.row import Row
from bench.comparing.rows import common_rates, judge
from bench.comparing.side import Side, read
from bench.comparing.welch import effect, from_intervals
from bench.exits import Exit, UsageProblem
from bench.statistics.estimates import Estimate
from tests.unit.bench.simulated_run import MACHINE, Simulated, damaged

INVALID = {"valid": False, "reasons": ["G1: late"]}


def side(tmp_path: Path, **what: object) -> Side:
    return read(Simulated(**what).write(tmp_path))


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Side:
    return side(tmp_path_factory.mktemp("base"), seed=100)


def verdicts(found: Comparison, variant: str) -> dict[tuple[str, float], str]:
    """The verdicts on the response p50 of predictions, and on the capacity."""
    rows = [row for row in found.rows if (row.variant, row.case) == (variant, "prediction")]
    return {(row.metric, row.rates[0] if row.rates else 0.0): row.verdict for row in rows}


def claims(found: Comparison) -> list[str]:
    return [row.verdict for row in found.rows if row.verdict in ("slower", "faster")]


def test_a_variant_that_became_slower_is_told_and_the_other_is_not(tmp_path: Path, base: Side):
    found = comparison(base, side(tmp_path, seed=1, factors={"embedded": 1.3}))
    told = verdicts(found, "embedded")
    assert told["response_p50", 8.0] == told["response_p50", 40.0] == told["response_p95", 8.0] == "slower"
    assert {row.variant for row in found.rows_with("slower")} == {"embedded"}
    row = next(row for row in found.rows if row.metric == "response_p50" and row.variant == "embedded")
    assert row.ratio.low < 1.3 < row.ratio.high
    assert row.base.value == pytest.approx(20, rel=0.1), "the warm-up or the repeated trial was counted"
    assert found.code == Exit.THRESHOLD_MISSED


def test_seen_the_other_way_round_it_became_faster(tmp_path: Path, base: Side):
    found = comparison(side(tmp_path, seed=1, factors={"embedded": 1.3}), base)
    assert verdicts(found, "embedded")["response_p50", 8.0] == "faster"
    assert found.code == Exit.OK


def test_nothing_is_claimed_of_equal_systems(tmp_path: Path):
    """80 pairs were tried by hand without one alarm; here are as many as a test has time for."""
    sides = [side(tmp_path, seed=seed) for seed in range(7)]
    assert [claims(comparison(*pair)) for pair in pairwise(sides)] == [[]] * 6


@pytest.mark.parametrize("factor", [0.8, 1.25])
def test_what_the_machine_did_is_not_claimed_of_the_variants(tmp_path: Path, base: Side, factor: float):
    found = comparison(base, side(tmp_path, seed=3, machine=factor))
    assert claims(found) == []
    text = "\n".join(lines(found))
    assert ("slower in NEW" if factor > 1 else "faster in NEW") in text
    assert "the machine may have done it" in text
    assert text.index("canary") < text.index("embedded")


def test_more_than_the_machine_did_is_claimed_at_low_load_where_no_queue_amplifies_it(tmp_path: Path, base: Side):
    told = verdicts(comparison(base, side(tmp_path, seed=4, machine=1.2, factors={"embedded": 1.3})), "embedded")
    assert (told["response_p50", 8.0], told["response_p50", 40.0]) == ("slower", "no difference told")


def test_a_variant_that_fails_is_slower_than_any_and_carries_less(tmp_path: Path, base: Side):
    told = verdicts(comparison(base, side(tmp_path, seed=5, failing="embedded")), "embedded")
    assert told["response_p50", 8.0] == told["capacity", 0.0] == "slower"


@pytest.mark.parametrize(
    ("ratio", "floor", "own_p", "adjusted_p", "told"),
    [
        ((1.3, 1.2, 1.4), 0.1, 0.001, 0.01, "slower"),
        ((0.7, 0.6, 0.8), 0.1, 0.001, 0.01, "faster"),
        ((1.3, 1.2, 1.4), 0.4, 0.001, 0.01, "within the noise floor"),
        ((1.3, 1.2, 1.4), 0.1, 0.3, 0.3, "the machine may have done it"),
        ((1.3, 1.2, 1.4), 0.1, 0.03, 0.3, "chance may have done it, among so many rows"),
        ((1.3, None, None), 0.1, 1.0, 1.0, "no interval: one block, or no spread between blocks"),
        ((1.3, 0.9, 1.7), 0.1, 0.2, 0.3, ""),
        ((None, None, None), 0.1, 1.0, 1.0, ""),
    ],
)
def test_a_difference_is_told_only_if_nothing_else_can_have_made_it(
    ratio: tuple[float | None, ...], floor: float, own_p: float, adjusted_p: float, told: str
):
    nothing = Estimate(None, None, None, 0)
    row = Row("x", "prediction", "response_p50", (1.0, 1.0), nothing, nothing, Estimate(*ratio, 6), floor, own_p)
    judged = judge(row, adjusted_p)
    assert told == (judged.verdict if judged.verdict in ("slower", "faster") else judged.why)


def test_less_goodput_is_slower():
    nothing = Estimate(None, None, None, 0)
    row = Row("x", "prediction", "goodput_share", (1.0, 1.0), nothing, nothing, Estimate(0.5, 0.4, 0.6, 6), 0.1, 0.001)
    assert judge(row, 0.01).verdict == "slower"


@pytest.mark.parametrize(
    ("low", "high", "band", "told"),
    [
        (None, 0.5, (-0.1, 0.1), "slower"),
        (2.0, None, (-0.1, 0.1), "faster"),
        (None, 0.5, (-0.1, 0.9), "the machine or the noise may have done it"),
        (None, 0.99, (0.0, 0.0), "the machine or the noise may have done it"),
        (0.5, 2.0, (0.0, 0.0), ""),
    ],
)
def test_capacities_differ_when_their_brackets_are_further_apart_than_machine_and_noise(
    low: float | None, high: float | None, band: tuple[float, float], told: str
):
    nothing = Estimate(None, None, None, 0)
    row = Row("x", "prediction", "capacity", None, nothing, nothing, Estimate(None, low, high, 0), 0.05)
    judged = capacities.judge(row, band)
    assert told == (judged.verdict if judged.verdict in ("slower", "faster") else judged.why)


@pytest.mark.parametrize(
    ("what", "words"),
    [
        ({"again": False}, "the noise floor was not measured"),
        ({"blocks": 1}, "fewer than two blocks"),
        ({"profile": "smoke"}, "too short for claims"),
    ],
)
def test_what_forbids_a_claim_is_said(tmp_path: Path, what: dict, words: str):
    pair = [side(tmp_path, seed=seed, factors={"embedded": own}, **what) for seed, own in ((6, 1.0), (7, 3.0))]
    found = comparison(*pair)
    assert claims(found) == []
    assert found.code == Exit.OK
    assert lines(found)[-1].startswith("Nothing is claimed: ")
    assert words in lines(found)[-1]


def test_runs_that_are_not_valid_are_shown_and_nothing_is_claimed(tmp_path: Path, base: Side):
    found = comparison(base, side(tmp_path, seed=8, factors={"embedded": 1.3}, facts={"validity": INVALID}))
    assert lines(found)[2] == "NEW is not valid: G1: late"
    assert claims(found) == []
    assert found.code == Exit.NOT_VALID


def test_every_difference_of_the_runs_is_a_line(tmp_path: Path, base: Side):
    facts = {"seed": 2, "versions": {"numpy": "3"}, "machine": {**MACHINE, "kernel": "7.0"}}
    found = comparison(base, side(tmp_path, seed=9, facts=facts))
    assert found.differences == [
        "seed: BASE 1, NEW 2",
        "machine: kernel: BASE 6.1, NEW 7.0",
        "version: numpy: BASE 2, NEW 3",
    ]
    assert [each.counts for each in found.machine] == [True, False], "the raw limit also moves with numpy"


def test_runs_under_another_load_are_not_claimed_about(base: Side):
    other = dataclasses.replace(base, described={**base.described, "setting: rate_page_per_s": 50.0})
    assert "the load is not the same, see the differences" in comparison(base, other).obstacles
    assert "setting: rate_page_per_s: BASE 0.5, NEW 50.0" in comparison(base, other).differences


def test_with_other_objectives_goodput_and_capacity_are_not_compared(base: Side):
    found = comparison(base, dataclasses.replace(base, slo_ms=100.0))
    whys = {row.metric: row.why for row in found.rows if row.variant == "embedded" and row.case == "prediction"}
    assert whys["goodput_share"] == whys["capacity"] == "the objectives differ"


def test_variants_that_only_one_run_has_are_named(tmp_path: Path, base: Side):
    found = comparison(base, side(tmp_path, seed=10, times_ms={"embedded": 20.0}))
    assert "variant model_in_db: only in BASE" in found.differences
    assert {row.variant for row in found.rows} == {"embedded"}


def test_runs_without_a_common_variant_are_refused(tmp_path: Path, base: Side):
    other = side(tmp_path, seed=11, times_ms={"another": 20.0}, again=False)
    with pytest.raises(UsageProblem, match="no variant in common: embedded, model_in_db and another"):
        comparison(base, other)


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ("no run", "no run folder, it has no run.json"),
        ("another schema", "has the schema 'sweetspot.run/2'"),
        ("half a run.json", "run.json cannot be read"),
        ("a list", "has the schema None"),
        ("no settings", "is damaged .*'settings'"),
        ("no trials", "is damaged .*TypeError"),
        ("half a table", "is damaged"),
        ("no table", "is damaged .*requests.parquet"),
        ("another table", "is damaged .*trial"),
        ("no results", "is damaged .*results.csv"),
    ],
)
def test_folders_that_are_no_runs_or_damaged_are_refused(tmp_path: Path, how: str, message: str):
    folder = damaged(Simulated(seed=12, blocks=1).write(tmp_path), how)
    with pytest.raises(UsageProblem, match=message):
        read(folder)


def test_the_same_is_written_as_data(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    folders = [Simulated(seed=seed, again=False).write(tmp_path) for seed in (13, 14)]
    code = compare(*folders, tmp_path / "found.json")
    facts = json.loads((tmp_path / "found.json").read_text())
    assert facts["schema"] == "sweetspot.compare/1"
    assert facts["exit_code"] == code == Exit.OK
    assert facts["machine"][0]["what"] == "canary"
    row = facts["rows"][0]
    assert (row["variant"], row["metric"], row["floor"]) == ("embedded", "response_p50", None)
    assert f"{row['base']['value']:.4g}" in capsys.readouterr().out
    with pytest.raises(UsageProblem, match="choose another --json"):
        compare(*folders, tmp_path / "nowhere" / "found.json")


def test_low_load_is_always_compared_and_other_rates_where_they_are_nearly_the_same():
    assert common_rates([3.2, 16.0, 32.0], [2.4, 16.7, 24.0]) == [(3.2, 2.4), (16.0, 16.7)]
    assert common_rates([3.2], []) == []


def test_without_a_difference_a_test_of_unpaired_blocks_errs_as_often_as_it_says():
    rng = np.random.default_rng(1)
    found = [effect(*(rng.lognormal(0, spread, size) for spread, size in ((0.1, 6), (0.03, 4)))) for _ in range(2000)]
    assert np.mean([each.p_outside(0.0, 0.0) < 0.05 for each in found]) == pytest.approx(0.05, abs=0.015)
    assert np.mean([each.ratio.low <= 1 <= each.ratio.high for each in found]) == pytest.approx(0.95, abs=0.015)


def test_what_the_machine_may_have_done_is_not_surely_more():
    found = effect([1.0, 1.01, 0.99], [1.3, 1.31, 1.29])
    assert found.p_outside(0.0, 0.0) < 0.001
    assert found.p_outside(0.0, np.log(1.3)) > 0.9
    assert found.p_outside(0.0, np.log(1.5)) == 1.0
    assert found.p_outside(-np.inf, np.inf) == 1.0


def test_blocks_without_a_spread_have_no_interval():
    assert effect([2.0], [3.0, 3.1]).ratio.low is None
    found = effect([0.5, 0.5], [1.0, 1.0])
    assert (found.ratio.value, found.ratio.low, found.p_outside(0, 0)) == (2.0, None, 1.0)
    assert effect([], [1.0]) is None


def test_two_intervals_become_one_of_the_ratio():
    found = from_intervals(Estimate(10.0, 9.0, 11.0, 5), Estimate(20.0, 20.0, 20.0, 7))
    assert (found.value, found.low, found.high) == pytest.approx((2.0, 20 / 11, 20 / 9))
    assert from_intervals(Estimate(10.0, None, None, 5), Estimate(20.0, 19.0, 21.0, 7)).value is None


def test_a_queue_amplifies_the_machine_without_limit_near_capacity():
    assert [amplification(load) for load in (0.0, 0.5, 1.0, 2.0)] == [1.0, 2.0, np.inf, 2.0]


def test_the_band_of_the_machine_is_as_wide_as_the_doubt():
    moved = [
        Movement("canary", 1.0, 1.0, Estimate(1.0, 0.97, 1.02, 6)),
        Movement("raw limit", 1.0, 1.1, Estimate(1.1, 1.05, 1.15, 6)),
        Movement("raw limit of other software", 1.0, 2.0, Estimate(2.0, 1.9, 2.1, 6), counts=False),
    ]
    assert np.exp(machine.band(moved)) == pytest.approx((0.97, 1.15))
    assert machine.band(moved[2:]) is None
    assert "does not count" in words.machine_words(moved)[3]
