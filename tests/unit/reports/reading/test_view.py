import pytest

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


def test_an_arm_is_no_architecture(seen):
    found = seen()
    assert found.variants == ("embedded", "model_in_db", "model_as_service")
    assert {curve.variant for curve in found.curves} == set(found.variants)


def test_unknown_route_classes_come_after_ours(seen):
    rows = [row("a", case, "response_p50", 4) for case in ("upload", "metadata", "prediction")]
    assert seen(names=("a",), rows=rows).cases == ("prediction", "metadata", "upload")
