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
