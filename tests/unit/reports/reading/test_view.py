import pytest

from reports.reading.results import RAW_LIMIT
from runfile.facts import Variant
from tests.unit.reports.simulated import row


@pytest.fixture
def titled(seen):
    """The view of a run whose variants have these titles."""
    return lambda **titles: seen(
        run={"variants": tuple(Variant(name, title) for name, title in titles.items())}, rows=[]
    )


def test_a_variant_is_known_by_its_title_up_to_the_colon(titled):
    found = titled(a="Embedded: inside every web worker", b="Other")
    assert found.titles == {"a": "Embedded", "b": "Other"}


def test_titles_that_would_be_the_same_stay_whole(titled):
    found = titled(a="Embedded: one worker", b="Embedded: two workers")
    assert found.titles == {"a": "Embedded: one worker", "b": "Embedded: two workers"}


def test_a_variant_without_title_goes_by_its_name(titled):
    assert titled(a="").title("a") == "a"


def test_a_variant_that_only_the_results_know_comes_last(seen):
    found = seen(names=("a",), rows=[row("surprise", "prediction", "response_p50", 4)])
    assert found.variants == ("a", "surprise")


def test_the_raw_limit_stands_only_where_it_was_measured(seen):
    found = seen()
    assert found.with_raw_limit("prediction")[-1] == RAW_LIMIT
    assert RAW_LIMIT not in found.with_raw_limit("metadata")


def test_an_arm_is_no_architecture(seen):
    found = seen()
    assert found.variants == ("embedded", "model_in_db", "model_as_service")
    assert {curve.variant for curve in found.curves} == set(found.variants)


def test_low_load_is_the_lowest_rate_of_each(seen):
    rows = [
        row(name, "prediction", "response_p50", 5, rate=rate)
        for name, rate in (("a", 8.0), ("a", 4.0), ("b", 6.0), ("c", None))
    ]
    assert seen(names=("a", "b", "c"), rows=rows).low_rates() == [4.0, 6.0]


def test_common_rates_are_those_that_all_were_offered(seen):
    rows = [row(name, "prediction", "goodput", 1, rate=rate) for name, rate in (("a", 4), ("a", 8), ("b", 8))]
    assert seen(names=("a", "b"), rows=rows).common_rates("prediction", "goodput") == [8]


def test_unknown_route_classes_come_after_ours(seen):
    rows = [row("a", case, "response_p50", 4) for case in ("upload", "metadata", "prediction")]
    assert seen(names=("a",), rows=rows).cases == ("prediction", "metadata", "upload")
