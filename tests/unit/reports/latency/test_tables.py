import math

import pytest

from reports.latency import tables
from tests.unit.reports.simulated import row

NB = "\N{NO-BREAK SPACE}"


def test_headline_tables_hold_variants_and_raw_limit(seen):
    prediction, metadata = tables.responses(seen(), ("prediction", "metadata"))
    assert [each.title for each in prediction.rows] == [
        "Embedded", "Model in the database", "Model as a service", "Raw limit",
    ]  # fmt: skip
    assert [each.title for each in metadata.rows][-1] == "Model as a service"
    assert [cell.text for cell in prediction.rows[0].cells] == ["24.6", "39.5", "43.2", f"0{NB}%", "400"]


def test_withheld_and_failing_cells_say_why(seen):
    rows = [
        row("a", "prediction", "response_p50", 4, 3, 5, n=40),
        row("a", "prediction", "response_p95", None, n=40, verdict="withheld"),
        row("a", "prediction", "response_p99", math.inf),
    ]
    (table,) = tables.responses(seen(names=("a",), rows=rows))
    _, p95, p99, failed, _ = table.rows[0].cells
    assert (p95.text, p95.note) == ("withheld", "n = 40 is too few")
    assert (p99.text, p99.note) == ("fails", "1 % or more failed")
    assert failed.text == "not measured"


def test_every_number_has_a_line_per_load_and_a_column_per_architecture(seen):
    found = {table.title: table for table in tables.by_load(seen())}
    times = found["Prediction: response p50, ms"]
    assert times.columns == ("Embedded", "Model in the database", "Model as a service")
    assert [each.title for each in times.rows] == [
        "4 per second", "0.5 x own capacity", "1 x own capacity", "2 x own capacity",
    ]  # fmt: skip
    assert [cell.text for cell in times.rows[-1].cells] == ["saturated"] * 3
    rates = found["Offered predictions, per second"]
    assert [cell.text for cell in rates.rows[1].cells] == ["17", "200", "30"]
    backlog = found["Prediction: backlog at the end of the step, requests"]
    assert [cell.text for cell in backlog.rows[-1].cells] == ["640"] * 3


def test_goodput_stays_below_what_was_offered(seen):
    found = {table.title: table for table in tables.by_load(seen())}
    full = found["Prediction: good answers within the SLO, per second"].rows[1].cells[0]
    assert (full.text, full.note) == ("33.7", f"[32.0,{NB}34.0]")


def test_a_number_that_nobody_has_gets_no_table(seen):
    titles = [table.title for table in tables.by_load(seen())]
    assert "Photo page: response p50, ms" in titles
    assert "Photo page: response p95, ms" not in titles


def test_where_all_had_the_same_rates_they_need_no_table(seen):
    rows = [row(name, "prediction", "response_p50", 5, rate=rate) for name in ("a", "b") for rate in (4, 40)]
    found = tables.by_load(seen(names=("a", "b"), rows=rows, trials=()))
    assert [table.title for table in found] == ["Prediction: response p50, ms"]


def test_resources_are_those_of_the_highest_load_that_all_settled_at(seen):
    table = tables.resources(seen())
    assert table.title == "Resources of the whole stack at 1 x own capacity"
    assert [cell.text for cell in table.rows[0].cells] == ["30.2", f"310{NB}MB"]


@pytest.mark.parametrize(("rows", "none"), [([], True), ([row("a", "all", "memory", 310, unit="MB")], False)])
def test_resources_that_nobody_knows_have_no_table(seen, rows, none):
    assert (tables.resources(seen(names=("a",), rows=rows)) is None) is none
