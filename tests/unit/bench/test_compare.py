"""Two runs side by side. What is compared was simulated, so it is known what there is to be told."""

import dataclasses
import json
import re
import shutil
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from bench import experiments
from bench.comparing import latency, machine, words
from bench.comparing.compare import Part, compare, comparison, lines, part
from bench.comparing.latency import Latency, common_rates
from bench.comparing.machine import Movement, amplification
from bench.comparing.row import Row, judge
from bench.comparing.welch import effect, from_intervals, of_ratio
from bench.exits import Exit, UsageProblem
from bench.session import writeup
from bench.statistics.estimates import Estimate
from runfile import Recorded, read
from runfile.facts import Experiments, Validity
from tests.conftest import ROOT
from tests.unit.bench.simulated_run import MACHINE, Simulated, SimulatedPeers, damaged

RUNS = ROOT / "tests" / "data" / "runs"
INVALID = Validity(reasons=("G1: late",))


def side(tmp_path: Path, **what: object) -> Latency:
    return latency.side(read(Simulated(**what).write(tmp_path)))


def compared(base: Latency, new: Latency) -> Part:
    return part("latency", base, new)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Latency:
    return side(tmp_path_factory.mktemp("base"), seed=100)


def verdicts(found: Part, variant: str) -> dict[tuple[str, float], str]:
    """The verdicts on the response p50 of predictions, and on the capacity."""
    rows = [row for row in found.rows if (row.variant, row.case) == (variant, "prediction")]
    return {(row.metric, row.rates[0] if row.rates else 0.0): row.verdict for row in rows}


def claims(found: Part) -> list[str]:
    return [row.verdict for row in found.rows if row.verdict in ("slower", "faster")]


def test_a_variant_that_became_slower_is_told_and_the_other_is_not(tmp_path: Path, base: Latency):
    found = compared(base, side(tmp_path, seed=1, factors={"embedded": 1.3}))
    told = verdicts(found, "embedded")
    assert told["response_p50", 8.0] == told["response_p50", 40.0] == told["response_p95", 8.0] == "slower"
    assert {row.variant for row in found.rows if row.verdict == "slower"} == {"embedded"}
    row = next(row for row in found.rows if row.metric == "response_p50" and row.variant == "embedded")
    assert row.ratio.low < 1.3 < row.ratio.high
    assert row.base.value == pytest.approx(20, rel=0.1), (
        "the warm-up, the spoiled round or the repeated trial was counted"
    )


def test_seen_the_other_way_round_it_became_faster(tmp_path: Path, base: Latency):
    found = compared(side(tmp_path, seed=1, factors={"embedded": 1.3}), base)
    assert verdicts(found, "embedded")["response_p50", 8.0] == "faster"


def test_nothing_is_claimed_of_equal_systems(tmp_path: Path):
    """80 pairs were tried by hand without one alarm; here are as many as a test has time for."""
    sides = [side(tmp_path, seed=seed) for seed in range(7)]
    assert [claims(compared(*pair)) for pair in pairwise(sides)] == [[]] * 6


@pytest.mark.parametrize("factor", [0.8, 1.25])
def test_what_the_machine_did_is_not_claimed_of_the_variants(tmp_path: Path, base: Latency, factor: float):
    found = compared(base, side(tmp_path, seed=3, machine=factor))
    assert claims(found) == []
    direction = "slower in NEW" if factor > 1 else "faster in NEW"
    assert direction in "\n".join(words.machine_words(found.machine))
    assert "the machine may have done it" in [row.why for row in found.rows]


def test_more_than_the_machine_did_is_claimed_at_low_load_where_no_queue_amplifies_it(tmp_path: Path, base: Latency):
    told = verdicts(compared(base, side(tmp_path, seed=4, machine=1.2, factors={"embedded": 1.3})), "embedded")
    assert (told["response_p50", 8.0], told["response_p50", 40.0]) == ("slower", "no difference told")


def test_a_variant_that_fails_is_slower_than_any_and_carries_less(tmp_path: Path, base: Latency):
    told = verdicts(compared(base, side(tmp_path, seed=5, failing="embedded")), "embedded")
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
    judged = latency.judge_capacity(row, band)
    assert told == (judged.verdict if judged.verdict in ("slower", "faster") else judged.why)


@pytest.mark.parametrize(
    ("what", "words"),
    [
        ({"again": False}, "the noise floor was not measured"),
        ({"blocks": 1}, "fewer than two blocks"),
        ({"verdicts": False}, "too short for claims"),
    ],
)
def test_what_forbids_a_claim_is_said(tmp_path: Path, what: dict, words: str):
    pair = [side(tmp_path, seed=seed, factors={"embedded": own}, **what) for seed, own in ((6, 1.0), (7, 3.0))]
    found = compared(*pair)
    assert claims(found) == []
    assert words in "; ".join(found.obstacles)


def test_runs_that_are_not_valid_are_shown_and_nothing_is_claimed(tmp_path: Path, base: Latency):
    found = compared(base, side(tmp_path, seed=8, factors={"embedded": 1.3}, found={"validity": INVALID}))
    assert found.not_valid == ["NEW is not valid: G1: late"]
    assert claims(found) == []


def test_what_spoils_the_whole_run_spoils_each_of_its_experiments(tmp_path: Path, base: Latency):
    found = compared(base, side(tmp_path, seed=8, facts={"validity": Validity(reasons=("the cores are shared",))}))
    assert found.not_valid == ["NEW is not valid: the cores are shared"]


def test_every_difference_of_the_runs_is_a_line(tmp_path: Path, base: Latency):
    facts = {"seed": 2, "versions": {"numpy": "3"}, "machine": dataclasses.replace(MACHINE, kernel="7.0")}
    found = compared(base, side(tmp_path, seed=9, facts=facts))
    assert found.differences == [
        "seed: BASE 1, NEW 2",
        "machine: kernel: BASE 6.1, NEW 7.0",
        "version: numpy: BASE 2, NEW 3",
    ]
    assert [each.counts for each in found.machine] == [True, False], "the raw limit also moves with numpy"


def test_runs_under_another_load_are_not_claimed_about(base: Latency):
    other = dataclasses.replace(base, described={**base.described, "setting: rate_page_per_s": 50.0})
    assert "the load is not the same, see the differences" in compared(base, other).obstacles
    assert "setting: rate_page_per_s: BASE 0.5, NEW 50.0" in compared(base, other).differences


def test_with_other_objectives_goodput_and_capacity_are_not_compared(base: Latency):
    found = compared(base, dataclasses.replace(base, slo_ms=100.0))
    whys = {row.metric: row.why for row in found.rows if row.variant == "embedded" and row.case == "prediction"}
    assert whys["goodput_share"] == whys["capacity"] == "the objectives differ"


def test_variants_that_only_one_run_has_are_named(tmp_path: Path, base: Latency):
    found = compared(base, side(tmp_path, seed=10, times_ms={"embedded": 20.0}))
    assert "variant model_in_db: only in BASE" in found.differences
    assert {row.variant for row in found.rows} == {"embedded"}


def test_runs_without_a_common_variant_are_refused(tmp_path: Path, base: Latency):
    other = side(tmp_path, seed=11, times_ms={"another": 20.0}, again=False)
    with pytest.raises(UsageProblem, match="no variant in common: embedded, model_in_db and another"):
        compared(base, other)


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ("no run", "it has no run.json"),
        ("another schema", "has the schema 'sweetspot.run/3'"),
        ("half a run.json", "run.json cannot be read"),
        ("a list", "has the schema None"),
        ("no state", "state is missing"),
        ("no trials", "experiments.latency.trials"),
        ("half a table", "requests.parquet is damaged"),
        ("no table", "requests.parquet is missing"),
        ("another table", "requests.parquet is damaged: it has no column"),
        ("no results", "results.csv is missing"),
    ],
)
def test_folders_that_are_no_runs_or_damaged_are_refused(tmp_path: Path, how: str, message: str):
    folder = damaged(Simulated(seed=12, blocks=1).write(tmp_path), how)
    with pytest.raises(UsageProblem, match=message):
        compare(folder, folder, None)


def test_the_same_is_written_as_data(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    folders = [Simulated(seed=seed, again=False).write(tmp_path) for seed in (13, 14)]
    code = compare(*folders, tmp_path / "found.json")
    facts = json.loads((tmp_path / "found.json").read_text())
    assert facts["schema"] == "sweetspot.compare/2"
    assert facts["exit_code"] == code == Exit.OK
    found = facts["experiments"]["latency"]
    assert found["machine"][0]["what"] == "canary"
    row = found["rows"][0]
    assert (row["variant"], row["metric"], row["floor"]) == ("embedded", "response_p50", None)
    told = capsys.readouterr().out
    assert f"{row['base']['value']:.4g}" in told
    assert told.index("canary") < told.index("embedded")
    assert told.splitlines()[-1].startswith("Nothing is claimed: the noise floor was not measured")
    with pytest.raises(UsageProblem, match="choose another --json"):
        compare(*folders, tmp_path / "nowhere" / "found.json")


@pytest.mark.parametrize("name", ["v1-latency", "v1-peers"])
def test_a_run_of_version_1_compares(name: str, capsys: pytest.CaptureFixture[str]):
    compare(RUNS / name, RUNS / name, None)
    told = capsys.readouterr().out.splitlines()
    assert told[2] == "BASE and NEW are the same run."
    if name == "v1-latency":
        row = "embedded          prediction  10.9       p50 ms      16.73     16.73     1 [0.952, 1.05]  +-192.2%"
        assert f"{row}  no difference told" in told
        assert "  canary                          8.513 -> 8.513 ms  1 [0.722, 1.39]  no movement told" in told
        assert "Left out: 64 rows without a value in either run (too few requests in a trial, or saturated)." in told


def peers(tmp_path: Path, **what: object) -> Recorded:
    return read(SimulatedPeers(**what).write(tmp_path))


def told_of_peers(base: Recorded, new: Recorded) -> Mapping[tuple[str, str], str]:
    rows = comparison(base, new).experiments["peers"].rows
    return {(row.variant, row.metric): row.verdict for row in rows}


def test_a_server_that_became_slower_is_told_and_the_other_is_not(tmp_path: Path):
    changed = {("fastapi", "throughput"): 0.7, ("fastapi", "latency_p50"): 1.4, ("fastapi", "memory"): 3.0}
    base, new = peers(tmp_path, seed=1), peers(tmp_path, seed=2, factors=changed)
    told = told_of_peers(base, new)
    assert {key for key, verdict in told.items() if verdict == "slower"} == {
        ("fastapi", "throughput"), ("fastapi", "latency_p50"),
    }  # fmt: skip
    assert told["fastapi", "latency_p99"] == "not comparable"
    assert {key for key, verdict in told_of_peers(new, base).items() if verdict == "faster"} == {
        ("fastapi", "throughput"), ("fastapi", "latency_p50"),
    }  # fmt: skip
    found = comparison(base, new)
    assert found.code == Exit.THRESHOLD_MISSED
    assert "not comparable (withheld in BASE and NEW)" not in "\n".join(lines(found)), "it is only counted"


def test_what_the_machine_did_is_not_claimed_of_the_servers_but_a_share_is_not_the_machines(tmp_path: Path):
    changed = {("fastapi", "share_of_bare"): 0.8}
    told = told_of_peers(peers(tmp_path, seed=3), peers(tmp_path, seed=4, machine=1.3, factors=changed))
    assert {key for key, verdict in told.items() if verdict in ("slower", "faster")} == {("fastapi", "share_of_bare")}


def test_of_peers_that_are_not_valid_or_of_one_block_nothing_is_claimed(tmp_path: Path):
    changed = {("fastapi", "throughput"): 0.5}
    base = peers(tmp_path, seed=5)
    spoiled = peers(tmp_path, seed=6, factors=changed, facts={"validity": Validity(reasons=("the host was busy",))})
    found = comparison(base, spoiled)
    assert found.code == Exit.NOT_VALID
    assert claims(found.experiments["peers"]) == []
    short = comparison(base, peers(tmp_path, seed=7, factors=changed, blocks=1)).experiments["peers"]
    assert claims(short) == []
    assert "NEW has fewer than two blocks, so there are no intervals" in short.obstacles


def test_runs_of_different_experiments_say_what_they_have_in_common_and_that_it_is_nothing_to_compare(tmp_path: Path):
    folders = Simulated(seed=1, blocks=1).write(tmp_path), SimulatedPeers(seed=1, blocks=1).write(tmp_path)
    with pytest.raises(UsageProblem) as problem:
        compare(*folders, None)
    assert "BASE has latency, NEW has peers: there is nothing to compare." in str(problem.value)
    assert "machine: cpu a processor" in str(problem.value)
    assert "version: numpy 2" in str(problem.value)
    with pytest.raises(UsageProblem, match=r"BASE has peers, NEW has latency.*differ in nothing else"):
        compare(RUNS / "v1-peers", RUNS / "v1-latency", None)


def test_of_runs_with_several_experiments_each_that_both_have_is_compared(tmp_path: Path):
    first, second = read(Simulated(seed=1).write(tmp_path)), peers(tmp_path, seed=1)
    found = Experiments(latency=first.run.experiments.latency, peers=second.run.experiments.peers)
    both = dataclasses.replace(first, run=dataclasses.replace(first.run, experiments=found),
                               results=(*(first.results or ()), *(second.results or ())))  # fmt: skip
    told = lines(comparison(both, both))
    heads = [told.index(f"{name}:") for name in ("latency", "peers")]
    assert heads == sorted(heads)
    assert sum(line.startswith("NEW against BASE: no difference told") for line in told) == 2
    assert "latency: only in NEW" in lines(comparison(second, both))


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


@pytest.mark.parametrize("factor", [1.15, 1.19, 1.21, 1.25])
def test_a_ratio_with_its_interval_is_an_effect_whose_p_value_agrees_with_it(factor: float):
    found = of_ratio(Estimate(1.2, 1.2 / factor, 1.2 * factor, 9), 5)
    assert (found.p_outside(0.0, 0.0) < 0.05) == (1.2 / factor > 1)


def test_a_ratio_without_interval_or_of_one_block_is_no_effect():
    assert of_ratio(Estimate(1.2, None, None, 9), 5) is None
    assert of_ratio(Estimate(1.2, 1.1, 1.3, 9), 1) is None


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


@pytest.mark.parametrize("number", ["1e308", "-1e308", "Infinity", "NaN", "9" * 400])
def test_a_number_that_nobody_can_have_measured_is_told_and_no_bug(tmp_path: Path, number: str):
    shutil.copytree(RUNS / "v1-latency", tmp_path / "run")
    path = tmp_path / "run" / "run.json"
    path.write_text(re.sub(r'"canary_ms": [0-9.]+', f'"canary_ms": {number}', path.read_text()))
    with pytest.raises(UsageProblem, match="more than any run can"):
        compare(RUNS / "v1-latency", tmp_path / "run", None)


def test_numbers_that_contradict_each_other_are_told_and_no_bug(tmp_path: Path):
    run = Simulated(seed=1).write(tmp_path)
    path = run / "run.json"
    path.write_text(re.sub(r'"seconds": [0-9.]+', '"seconds": 0.0', path.read_text()))
    for ask in (lambda: compare(run, run, None), lambda: writeup.again(run, experiments.by_name())):
        with np.errstate(all="ignore"), pytest.raises(UsageProblem, match="contradict each other"):
            ask()
