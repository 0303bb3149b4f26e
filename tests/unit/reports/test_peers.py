"""The page of a run that compares inference servers."""

import math
import re

import pytest

import reports
from reports import peers_tables, runfolder
from reports.peers import FILES
from tests.unit.reports.conftest import request_rows
from tests.unit.reports.test_page import HOSTILE, Page

NAMES = {"ray": "Ray Serve", "sweetspot": "sweetspot", "fastapi": "FastAPI"}
COSTS = {"sweetspot": 0.2, "fastapi": 1.1, "ray": 31.0}
SETTINGS = {"experiments": "peers", "slo_ms": 200.0, "blocks": 4}
CHECK = {
    "title": "Own cost at most half of the best peer's", "value": -0.35, "low": -0.4, "high": -0.3, "limit": 0.0,
    "bound": "at most", "unit": "ms", "n": 4, "verdict": "met", "note": "the best peer fastapi 1.1 ms",
}  # fmt: skip
LEAST = {**CHECK, "title": "Goodput at twice capacity", "value": 0.8, "low": 0.7, "high": 0.85, "limit": 0.9,
         "bound": "at least", "unit": "share", "verdict": "missed", "note": ""}  # fmt: skip


def servers(**failed):
    return [
        {"name": name, "title": title, "release": "1.0", "form": "one worker", "run": ["serve", "{port}"], "blocks": 4,
         "failed": failed.get(name, "")}
        for name, title in NAMES.items()
    ]  # fmt: skip


def numbers(row):
    """Rows as bench writes them: who accepts everything is late, who refuses is not."""
    rows = [
        row("bare loop", "no-op", "throughput", 400.0, 390.0, 410.0, "1/s", 4),
        row("bare loop", "alone", "throughput", 60.0, 58.0, 62.0, "1/s", 4),
        row("bare loop", "image path", "ratio", 0.4, 0.38, 0.42, "x", 4),
        row("bare loop", "image path", "agreement", 1.0, 1.0, 1.0, "share", 50),
    ]
    for name, cost in COSTS.items():
        rows += [
            row(name, "no-op", "throughput", 1000 / (2.5 + cost), unit="1/s", n=4),
            row(name, "no-op", "own_cost", cost, cost * 0.9, cost * 1.1, n=4),
            row(name, "alone", "share_of_bare", 0.98, 0.97, 0.99, "share", 4),
            row(name, "8 clients", "throughput", 59.0, unit="1/s", n=4),
            row(name, "8 clients", "share_of_bare", 0.99, 0.98, 1.0, "share", 4),
            row(name, "8 clients", "goodput_share", 1.0, 1.0, 1.0, "share", 4),
            row(name, "8 clients", "latency_p99", 150.0, 140.0, 170.0),
            row(name, "8 clients", "memory", 200.0, unit="MB", n=4),
        ]
        for case in ("2 x capacity", "5 x capacity"):
            ours = name == "sweetspot"
            rows += [
                row(name, case, "goodput_share", 0.94 if ours else 0.05, 0.9, 0.97, "share", 4),
                row(name, case, "accepted_p50", 120.0 if ours else 1500.0),
                row(name, case, "accepted_p99", 190.0 if ours else math.inf),
                row(name, case, "refused_share", 0.5 if ours else 0.0, unit="share", n=4),
                row(name, case, "refusal_p50", 2.0 if ours else "", n=0, verdict="" if ours else "withheld"),
                row(name, case, "response_p50", math.inf if ours else 1500.0),
            ]
    return [{**each, "experiment": "peers"} for each in rows]


@pytest.fixture
def made(build, row):
    """Build such a run."""

    def folder(**changes):
        trials = [{"trial": n, "block": n, "variant": "sweetspot"} for n in range(1, 5)]
        usual = {
            "settings": SETTINGS, "peers": servers(), "trials": trials, "checks": [CHECK, LEAST], "withheld": [],
            "gates": [], "rows": numbers(row), "variants": (),
            "requests": [{**each, "case": "2 x capacity"} for each in request_rows(["sweetspot"], 5)],
        }  # fmt: skip
        return build(**(usual | changes))

    return folder


@pytest.fixture
def show(made):
    return lambda **changes: Page(reports.render(made(**changes)).read_text(encoding="utf-8"))


def test_the_page_says_what_each_server_costs_the_cheapest_first(show):
    page = show()
    assert "What does an inference server cost" in page.text
    assert (
        "sweetspot 0.20 ms [0.18, 0.22], FastAPI 1.10 ms [0.99, 1.21] and Ray Serve 31.0 ms [27.9, 34.1]." in page.text
    )
    assert "Of 2 promises: 1 met, 1 missed." in page.text
    order = [
        page.text.index(f"{words} ") for words in ("bare loop 400", "sweetspot 370", "FastAPI 278", "Ray Serve 29.9")
    ]
    assert order == sorted(order)


def test_a_promise_from_below_says_so(show):
    text = show().text
    assert "80.0 % [70.0, 85.0] at least 90 % ✕ missed" in text
    assert "the best peer fastapi 1.1 ms -0.35 ms" in text
    assert "at most 0 ms ✓ met" in text


def test_overload_has_a_table_for_each_load_and_one_figure(show):
    page = show()
    assert "At 2 times capacity" in page.text
    assert "At 5 times capacity" in page.text
    assert len(page.all("svg")) == 1
    assert "1 x are the eight clients of the closed loop" in page.text


def test_what_never_came_in_time_reads_fails_and_nobody_refused_is_no_number(show):
    text = " ".join(show().text.split("At 5 times capacity")[-1].split()[:80])
    assert "94.0 % [90.0, 97.0] 120 190 50.0 % 2.00 fails" in text
    assert re.search(r"FastAPI 5\.00 % \[90\.0, 97\.0\] 1,500 fails 1 % or more failed 0 % withheld", text)


def test_who_was_left_out_is_told_with_the_reason(show):
    page = show(peers=servers(ray="Ray Serve was not ready after 60 s"))
    assert "Left out" in page.text
    assert "Ray Serve : Ray Serve was not ready after 60 s" in page.text


def test_what_does_not_count_is_told(show):
    withheld = [{"variant": "fastapi", "case": "5 x capacity", "block": 2, "reason": "the generator was late"}]
    assert "FastAPI, 5 x capacity, block 2: the generator was late." in show(withheld=withheld).text
    assert "Steps that do not count" not in show().text


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"profile": "smoke"}, "too short for claims"),
        ({"validity": {"valid": False, "reasons": ["shared cores"]}}, "No verdict: the run cannot be relied on"),
        ({"state": "interrupted"}, "No verdict: the run did not finish."),
    ],
)
def test_a_run_that_may_not_claim_judges_nothing(show, changes, words):
    page = show(**changes)
    assert words in page.text
    assert "not judged" in page.text
    assert "✓ met" not in page.text


def test_a_run_that_died_early_still_has_a_page(show):
    page = show(
        state="failed", without=("results.csv", "requests.parquet"), trials=[], checks=[], peers=[], finished_at=None
    )
    assert "There is no table: results.csv was not written." in page.text
    assert "No overload was measured." in page.text
    assert "run.json names no server." in page.text


def test_a_run_in_which_nobody_was_measured_has_a_page(show):
    assert "There is no table: no server was measured." in show(rows=[], trials=[], checks=[]).text


def test_a_single_block_says_that_nothing_has_an_interval(show):
    assert "There was one block" in show(trials=[{"block": 1, "variant": "sweetspot"}]).text
    assert "over 4 blocks" in show().text


def test_names_from_the_run_cannot_break_the_page(show, row):
    hostile = [{**each, "title": HOSTILE, "failed": HOSTILE, "form": HOSTILE} for each in servers()]
    page = show(peers=hostile)
    assert page.all("script") == []
    assert "{{ 7 * 7 }}" in page.text


def test_nothing_is_loaded_from_elsewhere_and_ids_are_unique(show):
    page = show()
    assert len(page.ids) == len(set(page.ids))
    assert {link for link in page.links if not link.startswith("#")} <= set(FILES)


def test_the_same_folder_gives_the_same_bytes(made):
    folder = made()
    first = reports.render(folder).read_bytes()
    assert reports.render(folder).read_bytes() == first


def test_a_server_without_a_known_cost_comes_last(made, row):
    rows = [each for each in numbers(row) if (each["variant"], each["metric"]) != ("sweetspot", "own_cost")]
    found = runfolder.read(made(rows=rows))
    assert [name for name, _ in peers_tables.by_cost(found.results, found.run.peers)] == ["fastapi", "ray", "sweetspot"]
