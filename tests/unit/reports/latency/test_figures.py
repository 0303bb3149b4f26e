import math
from xml.etree import ElementTree as ET

import pytest

from reports.latency import room
from tests.unit.reports.reading.test_samples import request
from tests.unit.reports.simulated import row, variants


def texts(figure):
    return [element.text for element in ET.fromstring(figure.svg).iter("text")]  # noqa: S314 - our own drawing


def test_a_whole_run_has_three_figures_at_low_load(seen):
    built = room.at_low_load(seen())
    assert list(built) == ["percentiles", "stages", "curve"]
    assert {"Model in the database", "raw limit"} <= set(texts(built["percentiles"]))


def test_failing_and_withheld_percentiles_are_drawn_as_words(seen):
    rows = [
        row("a", "prediction", "response_p50", 4, 3, 5),
        row("a", "prediction", "response_p95", None, n=40, verdict="withheld"),
        row("a", "prediction", "response_p99", math.inf, 8, math.inf),
        row("b", "prediction", "response_p95", 6, 5, 7),
    ]
    figure = room.at_low_load(seen(names=("a", "b"), rows=rows))["percentiles"]
    assert {"fails", "withheld"} <= set(texts(figure))


def test_a_percentile_that_no_variant_has_gets_no_room(seen):
    rows = [
        row("a", "prediction", "response_p50", 4, 3, 5),
        row("a", "prediction", "response_p99", None, n=40, verdict="withheld"),
    ]
    figure = room.at_low_load(seen(names=("a",), rows=rows))["percentiles"]
    assert "p50" in texts(figure)
    assert "p99" not in texts(figure)


def test_a_curve_that_fails_says_where(seen):
    requests = [request(index, 5, outcome="timeout" if index % 5 == 0 else "ok") for index in range(100)]
    rows = [row("a", "prediction", f"response_{each}", value) for each, value in (("p50", 5.0), ("p95", math.inf))]
    figures = room.at_low_load(seen(names=("a",), rows=rows, requests=requests))
    assert "fails from here up" in texts(figures["curve"])


@pytest.mark.parametrize("value", [math.inf, 0.0, None, 1e-9, 1e12])
def test_odd_values_are_drawn(seen, value):
    metrics = ("response_p50", "response_p95", "response_p99", "goodput")
    found = seen(names=("a",), rows=[row("a", "prediction", each, value, value, value, rate=4.0) for each in metrics])
    assert room.at_low_load(found)
    assert room.under_rising_load(found)


def test_no_data_no_figures(seen):
    found = seen(rows=[], requests=[])
    assert room.at_low_load(found) == {}
    assert room.under_rising_load(found) is None


@pytest.mark.parametrize("count", [1, 6])
def test_any_number_of_variants(seen, count):
    names = tuple(f"variant {number}" for number in range(count))
    rows = [row(name, "prediction", "response_p50", 4, 3, 5) for name in names]
    figure = room.at_low_load(seen(run={"variants": variants(names)}, rows=rows))["percentiles"]
    assert set(names) <= set(texts(figure))


def test_words_of_the_caption_have_a_definition_beside_it(show):
    text = show().text
    for words in ("In time is a good answer within 250 ms", "Own capacity is", "The backlog is"):
        assert words in text


def test_predictions_bystanders_and_goodput_each_have_a_panel(seen):
    figure = room.under_rising_load(seen())
    said = texts(figure)
    panels = ("Prediction: response", "Photo metadata: response", "Goodput")
    assert all(any(text.startswith(panel) for text in said) for panel in panels)
    assert "saturated" in said
    assert "embedded again" not in said
    assert not any(text.startswith(("Photo page", "Image")) for text in said)


def test_what_has_no_time_stands_in_a_lane_of_its_name(seen):
    verdicts = {4: "withheld", 8: "saturated"}
    rows = [row("a", "prediction", "response_p50", None, verdict=each, rate=rate) for rate, each in verdicts.items()]
    rows += [
        row("a", "prediction", "response_p50", math.inf, rate=16),
        row("a", "prediction", "response_p95", math.inf, rate=16),
        row("a", "prediction", "response_p50", 20, 19, math.inf, rate=2),
    ]
    figure = room.under_rising_load(seen(names=("a",), rows=rows))
    assert {"withheld", "saturated", "fails"} <= set(texts(figure))


def test_no_goodput_at_all_is_said(seen):
    rows = [row("a", "prediction", "goodput", value, rate=rate) for rate, value in ((4, 4), (40, 0))]
    figure = room.under_rising_load(seen(names=("a",), rows=rows))
    assert "none" in texts(figure)
