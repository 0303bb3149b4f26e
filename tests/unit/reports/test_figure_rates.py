import math
from xml.etree import ElementTree as ET

import pytest

from reports import figure_rates, figures


def texts(svg):
    return [element.text for element in ET.fromstring(svg).iter("text")]  # noqa: S314 - our own drawing


def test_predictions_bystanders_and_goodput_each_have_a_panel(build, seen):
    said = texts(figure_rates.draw(seen(build.staircase())))
    panels = ("Prediction: response", "Photo metadata: response", "Goodput")
    assert all(any(text.startswith(panel) for text in said) for panel in panels)
    assert "saturated" in said
    assert "embedded again" not in said
    assert not any(text.startswith(("Photo page", "Image")) for text in said)


def test_what_has_no_time_stands_in_a_lane_of_its_name(build, seen, row):
    verdicts = {4: "withheld", 8: "saturated"}
    rows = [row("a", "prediction", "response_p50", "", verdict=each, offered=rate) for rate, each in verdicts.items()]
    rows += [
        row("a", "prediction", "response_p50", math.inf, offered=16),
        row("a", "prediction", "response_p95", math.inf, offered=16),
        row("a", "prediction", "response_p50", 20, 19, math.inf, offered=2),
    ]
    assert {"withheld", "saturated", "fails"} <= set(texts(figure_rates.draw(seen(build(variants=("a",), rows=rows)))))


def test_no_goodput_at_all_is_said(build, seen, row):
    rows = [row("a", "prediction", "goodput", value, offered=rate) for rate, value in ((4, 4), (40, 0))]
    assert "none" in texts(figure_rates.draw(seen(build(variants=("a",), rows=rows))))


@pytest.mark.parametrize("value", [math.inf, 0.0, "", 1e-9, 1e12])
def test_odd_values_are_drawn(build, seen, row, value):
    metrics = ("response_p50", "response_p95", "goodput")
    rows = [row("a", "prediction", metric, value, value, value, offered=4) for metric in metrics]
    assert figure_rates.draw(seen(build(variants=("a",), rows=rows)))


def test_a_load_that_does_not_rise_has_no_figure(build, seen):
    assert figures.under_rising_load(seen(build()), claims=True) == []
