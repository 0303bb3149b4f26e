from reports import by_rate
from tests.unit.reports import staircase


def test_every_number_has_a_line_per_rate_and_a_column_per_architecture(build, seen):
    tables = {table.title: table for table in by_rate.tables(seen(build.staircase()))}
    times = tables["Prediction: response p50, ms"]
    assert times.columns == ("Embedded", "Model in the database", "Model as a service")
    assert [row.title for row in times.rows] == [f"{rate:g} per second" for rate in staircase.RATES.values()]
    assert [cell.text for cell in times.rows[-1].cells] == ["saturated", "4.50", "saturated"]
    assert tables["Prediction: good answers within the SLO, per second"].rows[0].cells[0].text == "3.96"
    assert "CPU seconds of the whole stack per 1,000 good answers" in tables


def test_a_number_that_nobody_has_gets_no_table(build, seen):
    titles = [table.title for table in by_rate.tables(seen(build.staircase()))]
    assert "Photo page: response p50, ms" in titles
    assert "Photo page: response p95, ms" not in titles


def test_an_older_run_has_neither(build, seen):
    found = seen(build())
    assert by_rate.tables(found) == []
    assert by_rate.resources(found) is None


def test_resources_are_those_of_the_highest_common_rate_that_all_settled_at(build, seen, row):
    rows = [
        row(name, "all", "cpu_s_per_1000", value, unit="s", offered=rate)
        for name, rate, value in (("a", 4, 9), ("a", 8, 10), ("b", 4, 19), ("b", 8, 20), ("a", 16, 11), ("b", 16, 12))
    ]
    rows.append(row("b", "prediction", "response_p50", None, verdict="saturated", offered=16))
    rows.append(row("a", "all", "memory", 310, unit="MB"))
    table = by_rate.resources(seen(build(variants=("a", "b"), rows=rows)))
    assert table is not None
    assert table.title == "Resources of the whole stack at 8 predictions per second"
    assert [[cell.text for cell in each.cells] for each in table.rows] == [
        ["10.0", "310\N{NO-BREAK SPACE}MB"],
        ["20.0", "not measured"],
    ]
