import math

from reports import runfolder, summary, view


def seen(folder):
    return view.build(runfolder.read(folder))


def test_headline_tables_hold_variants_and_raw_limit(build):
    prediction, metadata = summary.headline_tables(seen(build()))
    assert [row.title for row in prediction.rows] == [
        "Embedded",
        "Model in the database",
        "Model as a service",
        "Raw limit",
    ]
    assert [row.title for row in metadata.rows][-1] == "Model as a service"
    assert [cell.text for cell in prediction.rows[0].cells] == ["26.0", "41.6", "59.8", "0\N{NO-BREAK SPACE}%", "1,200"]


def test_withheld_and_failing_cells_say_why(build, row):
    rows = [
        row("a", "prediction", "response_p50", 4, 3, 5, n=40),
        row("a", "prediction", "response_p95", "", n=40, verdict="withheld"),
        row("a", "prediction", "response_p99", math.inf),
    ]
    (table,) = summary.headline_tables(seen(build(variants=("a",), rows=rows)))
    _, p95, p99, failed, _ = table.rows[0].cells
    assert (p95.text, p95.note) == ("withheld", "n = 40 is too few")
    assert (p99.text, p99.note) == ("fails", "1 % or more failed")
    assert failed.text == "not measured"


def test_unknown_route_classes_come_after_ours(build, row):
    rows = [row("a", case, "response_p50", 4) for case in ("upload", "metadata", "prediction")]
    tables = summary.response_tables(seen(build(variants=("a",), rows=rows)))
    assert [table.title.split(":")[0] for table in tables] == ["Prediction", "Photo metadata", "upload"]


def test_a_variant_that_only_the_results_know_is_shown_by_name(build, row):
    rows = [row("surprise", "prediction", "response_p50", 4)]
    (table,) = summary.headline_tables(seen(build(variants=("a",), rows=rows)))
    assert [row.title for row in table.rows] == ["a", "surprise"]


def test_curve_table_withholds_what_n_cannot_carry(build):
    rows = [
        {"block": 0, "variant": "a", "case": "prediction", "intended_ns": 0, "done_ns": 10**6, "outcome": "ok"}
    ] * 100
    table = summary.curve_table(seen(build(variants=("a",), requests=rows)))
    assert [cell.kind for cell in table.rows[0].cells] == ["value", "value", "value", "withheld", "value"]
