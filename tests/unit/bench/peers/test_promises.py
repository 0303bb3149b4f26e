from pathlib import Path

import pytest

from bench.exits import UsageProblem
from bench.peers.promises import OURS, judge, load, side
from bench.peers.results import Numbers
from bench.statistics.estimates import Estimate
from runfile.facts import Check, Promise
from tests.unit.bench.peers import made_up
from tests.unit.bench.peers.made_up import measured

COST = load()[0]


def found(**costs: list[float]) -> Numbers:
    """Peers with these own costs by block."""
    return made_up.found(
        *(
            measured(name, block=block, no_op_ms=2.0 + cost)
            for name, values in costs.items()
            for block, cost in enumerate(values, start=1)
        )
    )


def of_cost(*missing: str, verdicts: bool = True, **costs: list[float]) -> Check:
    (judged,) = judge([COST], found(**costs), [*costs, *missing], verdicts=verdicts)
    return judged


def test_ours_are_the_promises_of_the_table():
    assert [(each.case, each.metric, each.bound, each.limit) for each in load(OURS)] == [
        ("no-op", "own_cost", "at most", 0.5),
        ("alone", "share_of_bare", "at least", 0.97),
        ("8 clients", "share_of_bare", "at least", 0.97),
        ("image path", "ratio", "at most", 0.5),
        ("image path", "agreement", "at least", 0.99),
        ("2 x capacity", "goodput_share", "at least", 0.9),
        ("5 x capacity", "goodput_share", "at least", 0.85),
        ("2 x capacity", "refusal_p50", "at most", 10.0),
        ("2 x capacity", "accepted_p99", "at most", 200.0),
    ]


def test_half_of_the_best_peer_is_met_where_it_surely_is_and_missed_where_it_surely_is_not():
    met = of_cost(sweetspot=[0.2, 0.21, 0.19], fastapi=[1.0, 1.02, 0.98], kserve=[2.0, 2.0, 2.1])
    assert met.verdict == "met"
    assert "the best peer fastapi 1 ms" in met.note
    assert met.value == pytest.approx(0.2 - 0.5)
    missed = of_cost(sweetspot=[0.8, 0.81, 0.79], fastapi=[1.0, 1.02, 0.98])
    assert (missed.verdict, missed.limit) == ("missed", 0.0)
    wide = of_cost(sweetspot=[0.1, 0.9, 0.5], fastapi=[1.0, 1.0, 1.0])
    assert wide.verdict == "withheld"


@pytest.mark.parametrize("missing", [["ray"], ["ray", "bentoml"]])
def test_among_survivors_there_is_no_best_peer(missing: list[str]):
    """Whoever gave no number could have been the best."""
    judged = of_cost(*missing, sweetspot=[0.2, 0.21, 0.19], fastapi=[1.0, 1.02, 0.98])
    assert judged.verdict == "withheld"
    assert judged.note.endswith(f"there is no such number of {', '.join(missing)}")


def test_a_number_that_is_withheld_is_missing_too():
    promise = made_up.promise(case="2 x capacity", metric="goodput_share")
    table = made_up.found(measured(), measured("fastapi", steps=[made_up.Step(made_up.LATE)]))
    (judged,) = judge([promise], table, ["sweetspot", "fastapi"], verdicts=True)
    assert (judged.verdict, judged.note) == ("withheld", "there is no such number of fastapi")


def test_a_cost_below_nothing_is_a_number_like_any_other():
    assert of_cost(sweetspot=[-0.01, 0.01, 0.0], fastapi=[1.0, 1.0, 1.01]).verdict == "met"


def test_only_blocks_that_both_have_are_compared():
    assert of_cost(sweetspot=[0.2, 0.2, 0.2], fastapi=[1.0, 1.0]).n == 2


def test_without_another_peer_there_is_no_best_one():
    alone = of_cost(sweetspot=[0.2, 0.2])
    assert (alone.verdict, alone.value) == ("withheld", None)


def test_one_block_has_no_interval_and_so_no_verdict():
    assert of_cost(sweetspot=[0.2], fastapi=[1.0]).verdict == "withheld"


@pytest.mark.parametrize(
    ("low", "high", "verdict"), [(0.98, 1.0, "met"), (0.9, 0.96, "missed"), (0.96, 0.99, "withheld")]
)
def test_at_least_is_met_above_the_limit(low: float, high: float, verdict: str):
    assert side(Estimate((low + high) / 2, low, high, 4), 0.97, "at least", verdicts=True)[0] == verdict


def test_the_words_of_a_promise_missed_from_below_say_so():
    _, why = side(Estimate(0.5, 0.4, 0.6, 4), 0.97, "at least", verdicts=True)
    assert why == "the whole interval lies below the limit"


def test_a_percentile_that_failures_reach_is_missed():
    assert side(Estimate(float("inf"), None, None, 400), 200.0, "at most", verdicts=True)[0] == "missed"


def test_exactly_the_limit_is_met_both_ways():
    exact = Estimate(0.99, 0.99, 0.99, 50)
    assert side(exact, 0.99, "at least", verdicts=True)[0] == "met"
    assert side(exact, 0.99, "at most", verdicts=True)[0] == "met"


def test_a_profile_without_verdicts_gives_none():
    assert of_cost(verdicts=False, sweetspot=[0.2, 0.2], fastapi=[1, 1]).verdict == "withheld"


def test_promises_of_who_was_not_asked_for_are_left_out_and_of_who_failed_are_withheld():
    judged = judge(load(), found(fastapi=[1.0, 1.0]), ["fastapi"], verdicts=True)
    assert {check.title.partition(" ")[2][:10] for check in judged} == {"image path"}
    failed = judge(load(), found(fastapi=[1.0, 1.0]), ["fastapi", "sweetspot"], verdicts=True)
    assert len(failed) == len(load())
    assert {check.verdict for check in failed} == {"withheld"}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("limit = 1", "limit is not known here"),
        ("[[promise]]\ntitle = 'x'", r"promise\[0\].variant is missing"),
        (OURS.read_text().replace("0.5", "true", 1), r"promise\[0\].limit: must be a valid number"),
        (
            OURS.read_text().replace('bound = "at least"', 'bound = "about"', 1),
            r"promise\[1\].bound: must be 'at most' or 'at least'",
        ),
        (OURS.read_text().replace('"best peer"', '"me"'), r"promise\[\d\].of: must be '' or 'best peer'"),
        (OURS.read_text() + "more = 1", r"promise\[8\].more is not known here"),
    ],
)
def test_a_mistake_is_named(tmp_path: Path, text: str, words: str):
    path = tmp_path / "mine.toml"
    path.write_text(text)
    with pytest.raises(UsageProblem, match=words):
        load(path)


def test_a_file_without_promises_has_none(tmp_path: Path):
    (tmp_path / "none.toml").write_text("")
    assert load(tmp_path / "none.toml") == ()
    assert type(load()[0]) is Promise
