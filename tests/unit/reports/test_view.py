import json

import pytest

from reports import runfolder, view


def seen(folder):
    return view.build(runfolder.read(folder))


@pytest.fixture
def titled(build):
    """The view of a run whose variants have these titles."""

    def run(**titles):
        variants = [{"name": name, "title": title} for name, title in titles.items()]
        folder = build(variants=tuple(titles))
        path = folder / "run.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | {"variants": variants}))
        return seen(folder)

    return run


def test_a_variant_is_known_by_its_title_up_to_the_colon(titled):
    found = titled(a="Embedded: inside every web worker", b="Other")
    assert (found.title("a"), found.title("b")) == ("Embedded", "Other")


def test_titles_that_would_be_the_same_stay_whole(titled):
    found = titled(a="Embedded: one worker", b="Embedded: two workers")
    assert (found.title("a"), found.title("b")) == ("Embedded: one worker", "Embedded: two workers")


def test_a_variant_without_title_goes_by_its_name(titled):
    assert titled(a="").title("a") == "a"


def test_the_raw_limit_stands_only_where_it_was_measured(build):
    found = seen(build())
    assert found.with_raw_limit("prediction")[-1] == view.RAW_LIMIT
    assert view.RAW_LIMIT not in found.with_raw_limit("metadata")


def test_the_service_time_stands_in_for_the_response_of_the_raw_limit(build, row):
    found = seen(build(rows=[row(view.RAW_LIMIT, "prediction", "service_p50", 20)]))
    assert found.percentile(view.RAW_LIMIT, "prediction", "p50").value == 20


def test_an_arm_is_no_architecture(build):
    found = seen(build.staircase())
    assert found.variants == ("embedded", "model_in_db", "model_as_service")
    assert {curve.variant for curve in found.curves} == set(found.variants)


def test_the_headline_is_about_the_lowest_rate(build):
    assert seen(build.staircase()).low_load == "4"
    assert seen(build()).low_load == ""


def test_common_rates_are_those_that_all_were_offered(build, row):
    rows = [row(name, "prediction", "goodput", 1, offered=rate) for name, rate in (("a", 4), ("a", 8), ("b", 8))]
    assert seen(build(variants=("a", "b"), rows=rows)).common_rates("prediction", "goodput") == [8]


@pytest.mark.parametrize(("slow", "beyond"), [(1.03, False), (1.05, True)])
def test_a_difference_within_the_noise_floor_is_none(build, slow, beyond):
    assert seen(build.staircase()).beyond_noise("response_p50", slow, 1.0) is beyond
    assert seen(build()).beyond_noise("response_p50", slow, 1.0)
