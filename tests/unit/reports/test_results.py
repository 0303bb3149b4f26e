import math

import pytest

from reports import ReportError, results


def test_rows_are_found_by_variant_case_and_metric(build):
    found = results.read(build() / "results.csv")
    median = found.find("embedded", "prediction", "response_p50")
    assert median is not None
    assert (median.value, median.unit, median.n) == (26.0, "ms", 1200)
    assert found.find("embedded", "prediction", "response_p10") is None
    assert found.variants == ("embedded", "model_in_db", "model_as_service")
    assert found.cases == ("prediction", "metadata", "page", "image")


def test_infinite_and_withheld_are_told_apart(build, row):
    rows = [
        row("a", "prediction", "response_p95", math.inf),
        row("a", "prediction", "response_p99", "", n=40, verdict="withheld"),
    ]
    fails, withheld = results.read(build(rows=rows) / "results.csv").rows
    assert (fails.known, fails.value) == (True, math.inf)
    assert (withheld.known, withheld.value) == (False, None)


def test_experiments_never_share_a_table(build, row):
    rows = [
        row("a", "prediction", "age_p50", 3) | {"experiment": "staleness"},
        row("a", "prediction", "response_p50", 4),
    ]
    found = results.read(build(rows=rows) / "results.csv")
    assert [each.metric for each in found.rows] == ["response_p50"]
    assert found.others == ("staleness",)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("variant,case\n", "no column experiment"),
        ("", "no column"),
        (",".join(results.COLUMNS) + "\na,b,c,d,fast,,,ms,1,\n", "line 2"),
        (",".join(results.COLUMNS) + "\na,b,c,d,1,,,ms,inf,\n", "line 2"),
    ],
)
def test_a_damaged_table_is_refused(tmp_path, text, why):
    (tmp_path / "results.csv").write_text(text)
    with pytest.raises(ReportError, match=why):
        results.read(tmp_path / "results.csv")


def test_a_table_without_rows_is_no_damage(build):
    assert results.read(build(rows=[]) / "results.csv").cases == ()


def test_the_first_row_is_low_load_and_steps_rise(build, row):
    rows = [
        row("a", "prediction", "response_p50", value, offered=rate) for rate, value in ((4, 20), (40, 90), (12, 25))
    ]
    found = results.read(build(rows=rows) / "results.csv")
    low = found.find("a", "prediction", "response_p50")
    assert low is not None
    assert (low.value, low.offered) == (20, 4)
    assert [each.offered for each in found.by_rate("a", "prediction", "response_p50")] == [4, 12, 40]


def test_a_file_without_offered_rates_has_no_steps(build):
    path = build() / "results.csv"
    assert "offered" not in path.read_text()
    found = results.read(path)
    assert found.by_rate("embedded", "prediction", "response_p50") == ()


def test_a_rate_that_no_load_can_have_is_none(build, row):
    rows = [row("a", "prediction", "response_p50", 5, offered=rate) for rate in ("inf", "-1", "nan", "0")]
    assert {each.offered for each in results.read(build(rows=rows) / "results.csv").rows} == {None}


def test_saturated_and_withheld_are_told_apart(build, row):
    rows = [row("a", "prediction", "response_p50", "", verdict=verdict) for verdict in ("saturated", "withheld")]
    found = results.read(build(rows=rows) / "results.csv").rows
    assert [(each.known, each.unknown) for each in found] == [(False, "saturated"), (False, "withheld")]
