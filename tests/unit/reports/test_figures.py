import math
from xml.etree import ElementTree as ET

import pytest

from reports import figures, runfolder, view


def seen(folder):
    return view.build(runfolder.read(folder))


def texts(figure):
    return [element.text for element in ET.fromstring(figure.svg).iter("text")]  # noqa: S314 - our own drawing


def test_a_whole_run_has_three_figures(build):
    built = figures.build(seen(build()), claims=True)
    assert len(built) == 3
    assert all(figure.tables for figure in built)
    assert "Model in the database" in texts(built[0])
    assert "raw limit" in texts(built[0])


def test_failing_and_withheld_percentiles_are_drawn_as_words(build, row):
    rows = [
        row("a", "prediction", "response_p50", 4, 3, 5),
        row("a", "prediction", "response_p95", "", n=40, verdict="withheld"),
        row("a", "prediction", "response_p99", math.inf, 8, math.inf),
        row("b", "prediction", "response_p95", 6, 5, 7),
    ]
    (figure, _) = figures.build(seen(build(variants=("a", "b"), rows=rows)), claims=True)
    assert {"fails", "withheld"} <= set(texts(figure))


def test_a_percentile_that_no_variant_has_gets_no_room(build, row):
    rows = [
        row("a", "prediction", "response_p50", 4, 3, 5),
        row("a", "prediction", "response_p99", "", n=40, verdict="withheld"),
    ]
    (figure, _) = figures.build(seen(build(variants=("a",), rows=rows)), claims=True)
    assert "p50" in texts(figure)
    assert "p99" not in texts(figure)


def test_a_curve_that_fails_says_where(build):
    rows = [
        {"block": 0, "variant": "a", "case": "prediction", "intended_ns": 0, "done_ns": index + 1, "outcome": outcome}
        for index, outcome in enumerate(["ok"] * 80 + ["timeout"] * 20)
    ]
    (figure,) = figures.build(seen(build(variants=("a",), rows=[], requests=rows)), claims=True)
    assert "fails from here up" in texts(figure)


@pytest.mark.parametrize("value", [math.inf, 0.0, "", 1e-9, 1e12])
def test_odd_values_are_drawn(build, row, value):
    rows = [row("a", "prediction", f"response_{each}", value, value, value) for each in ("p50", "p95", "p99")]
    assert figures.build(seen(build(variants=("a",), rows=rows)), claims=True)


def test_no_data_no_figures(build):
    assert figures.build(seen(build(rows=[], requests=[{"block": 0}], state="failed")), claims=False) == []


@pytest.mark.parametrize("count", [1, 6])
def test_any_number_of_variants(build, count):
    names = tuple(f"variant {number}" for number in range(count))
    built = figures.build(seen(build(variants=names)), claims=True)
    assert set(names) <= set(texts(built[0]))
