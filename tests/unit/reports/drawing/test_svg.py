from xml.etree import ElementTree as ET

import matplotlib as mpl
import pytest

from reports.drawing import svg


@pytest.fixture
def drawn():
    def draw(figure):
        axes = figure.add_axes((0.1, 0.1, 0.8, 0.8))
        axes.barh([0], [1], hatch="//")
        axes.plot([0, 1], [0, 1], clip_on=True)
        axes.set_title("$not_math$ 照片")

    return lambda key="k": svg.drawing(key, "A <title>", "A description", (4, 2), draw)


def test_a_drawing_is_named_for_assistive_technology(drawn):
    root = ET.fromstring(drawn())  # noqa: S314 - our own drawing
    assert root.get("role") == "img"
    assert root.get("aria-labelledby") == "k-title k-text"
    assert root.findtext("title") == "A <title>"
    assert root.findtext("desc") == "A description"


def test_all_ids_carry_the_key_and_all_references_resolve(drawn):
    source = drawn("key")
    root = ET.fromstring(source)  # noqa: S314 - our own drawing
    ids = [element.get("id") for element in root.iter() if element.get("id")]
    assert len(ids) == len(set(ids))
    assert all(each.startswith("key-") for each in ids)
    used = [element.get("href", "")[1:] for element in root.iter("use")]
    assert set(used) <= set(ids)
    assert "url(#key-" in source


def test_a_drawing_is_deterministic_and_leaves_no_state(drawn):
    before = dict(mpl.rcParams)
    assert drawn() == drawn()
    assert dict(mpl.rcParams) == before


def test_nothing_styles_the_page_or_dates_the_drawing(drawn):
    assert "<style" not in drawn()
    assert "<metadata" not in drawn()


def test_text_stays_text(drawn):
    assert "$not_math$" in drawn()


def test_labels_are_one_printable_short_line():
    assert svg.label("a\n\x07b") == "a b"
    assert len(svg.label("x" * 100)) == svg.LABEL_LENGTH
