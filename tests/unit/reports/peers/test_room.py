"""The section of the comparison of inference servers."""

import re

import pytest

import reports
from reports.peers import tables
from reports.reading import results
from runfile.facts import PeerTrial, Validity, Withheld
from tests.unit.reports.pages import Page
from tests.unit.reports.peers import simulated
from tests.unit.reports.test_page import HOSTILE


@pytest.fixture
def show(build):
    """Build such a run, render it, return its page."""

    def page(*, rows=None, without=(), run=None, **found):
        folder = build(
            experiments={"peers": simulated.found(**found)},
            rows=simulated.rows() if rows is None else rows,
            requests=[],
            without=without,
            **({"variants": (), "gates": ()} | (run or {})),
        )
        return Page(reports.render(folder).read_text(encoding="utf-8"))

    return page


def test_the_page_says_what_each_server_costs_the_cheapest_first(show):
    text = show().text
    assert "What does an inference server cost" in text
    assert "sweetspot 0.20 ms [0.18, 0.22], FastAPI 1.10 ms [0.99, 1.21] and Ray Serve 31.0 ms [27.9, 34.1]." in text
    assert "Of 2 promises: 1 met, 1 missed." in text
    order = [text.index(f"{words} ") for words in ("bare loop 400", "sweetspot 370", "FastAPI 278", "Ray Serve 29.9")]
    assert order == sorted(order)


def test_a_promise_from_below_says_so(show):
    text = show().text
    assert "80.0 % [70.0, 85.0] at least 90 % ✕ missed" in text
    assert "the best peer fastapi 1.1 ms -0.35 ms" in text
    assert "at most 0 ms ✓ met" in text


def test_overload_has_a_table_for_each_load_and_one_figure(show):
    page = show()
    assert page.text.count("At 2 times capacity") == page.text.count("At 5 times capacity") == 1
    assert len(page.all("svg")) == 1
    assert "1 x are the eight clients of the closed loop" in page.text


def test_what_never_came_in_time_reads_fails_and_nobody_refused_is_no_number(show):
    text = " ".join(show().text.split("At 5 times capacity")[-1].split()[:80])
    assert "94.0 % [90.0, 97.0] 120 190 50.0 % 2.00 fails" in text
    assert re.search(r"FastAPI 5\.00 % \[90\.0, 97\.0\] 1,500 fails 1 % or more failed 0 % withheld", text)


def test_who_was_left_out_is_told_with_the_reason(show):
    page = show(peers=simulated.servers(ray="Ray Serve was not ready after 60 s"))
    assert "Left out" in page.text
    assert "Ray Serve : Ray Serve was not ready after 60 s" in page.text


def test_what_does_not_count_is_told(show):
    withheld = (Withheld("fastapi", "5 x capacity", 2, "the generator was late"),)
    assert "FastAPI, block 2, 5 x capacity: the generator was late." in show(withheld=withheld).text
    assert "Measured again or left out" not in show().text


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"verdicts": False}, "too short for claims"),
        ({"validity": Validity(reasons=("shared cores",))}, "No verdict: the run cannot be relied on"),
        ({"run": {"state": "interrupted"}}, "No verdict: the run did not finish."),
    ],
)
def test_a_run_that_may_not_claim_judges_nothing(show, changes, words):
    page = show(**changes)
    assert words in page.text
    assert "not judged" in page.text
    assert "✓ met" not in page.text


def test_a_run_that_died_early_still_has_a_page(show):
    page = show(
        run={"state": "failed", "finished_at": None},
        without=("results.csv", "requests.parquet"),
        trials=(),
        checks=(),
        peers=(),
    )
    assert "There is no table: results.csv was not written." in page.text
    assert "No overload was measured." in page.text
    assert "run.json names no server." in page.text


def test_a_run_in_which_nobody_was_measured_has_a_page(show):
    assert "There is no table: no server was measured." in show(rows=[], trials=(), checks=()).text


def test_a_single_block_says_that_nothing_has_an_interval(show):
    assert "There was one block" in show(trials=(PeerTrial(1, 1, "sweetspot"),)).text
    assert "over 4 blocks" in show().text


def test_names_from_the_run_cannot_break_the_page(show):
    from dataclasses import replace

    hostile = tuple(replace(each, title=HOSTILE, failed=HOSTILE, form=HOSTILE) for each in simulated.servers())
    page = show(peers=hostile)
    assert page.all("script") == []
    assert "{{ 7 * 7 }}" in page.text


def test_ids_are_unique(show):
    page = show()
    assert len(page.ids) == len(set(page.ids))


def test_a_server_without_a_known_cost_comes_last():
    rows = [each for each in simulated.rows() if (each.variant, each.metric) != ("sweetspot", "own_cost")]
    found = results.of("peers", rows)
    assert [name for name, _ in tables.by_cost(found, simulated.NAMES)] == ["fastapi", "ray", "sweetspot"]


def test_loads_that_differ_in_the_last_digit_are_two():
    cases = ("10 x capacity", "2.004 x capacity", "2.001 x capacity")
    found = results.of("peers", [simulated.row("sweetspot", case, "goodput_share", 0.9) for case in cases])
    assert list(tables.loads(found)) == ["2.001", "2.004", "10"]
