"""Titles: what is text stays, what is none goes, and whatever comes can be stored and shown."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webapp.titles import MAX_TITLE, title_of

FAMILY = "\U0001f469\u200d\U0001f469\u200d\U0001f467"
SCOTLAND = "\U0001f3f4\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f"


@pytest.mark.parametrize(
    "text",
    [
        "My cup",
        "東京\u3000タワー",
        "10\u00a0km",
        "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",  # Persian: the non-joiner makes the word
        "क्\u200dष",
        FAMILY,
        SCOTLAND,
        "❤\ufe0f",
        "👍🏽",
        "שלום\u200f!",
        "soft\u00adhyphen",
        "<b>&amp;",
        "a  b",
        "\ue000 is private, \U0001fae8 is new",
        "Zoë",
    ],
)
def test_text_stays_as_it_is(text: str) -> None:
    assert title_of(text) == text


@pytest.mark.parametrize(
    ("given", "title"),
    [
        ("", "Untitled"),
        (" \t\u3000 ", "Untitled"),
        ("\u200b\u200d\u2060\ufeff", "Untitled"),
        ("\x00\x07\x7f\x85", "Untitled"),
        ("\u3000Tokyo\u00a0", "Tokyo"),
        ("two\r\nlines\u2028and\u2029more", "two lines and more"),
        ("tab\tand\x0bthe rest", "tab and the rest"),
        ("a\x00b\x1b[31mc\x9b", "ab[31mc"),
        ("photo\u202egpj.exe\u2066\u2069", "photogpj.exe"),
        ("Zoe\u0308", "Zoë"),
        ("caf\udce9", "caf"),  # b"caf\xe9", as a file system gives it
        ("\udcff\udcfe", "Untitled"),
        ("x" * 240, "x" * 200),
        ("y" * 100_000, "y" * 200),
    ],
)
def test_what_is_no_text_goes(given: str, title: str) -> None:
    assert title_of(given) == title


@pytest.mark.parametrize("one", [FAMILY, SCOTLAND, "👍🏽", "e\u0323\u0302", "❤\ufe0f", "\U0001f1e8\U0001f1ed"])
def test_a_title_is_cut_between_characters(one: str) -> None:
    one = unicodedata.normalize("NFC", one)
    if len(one) == 1:
        one += "\u0331"
    for filling in range(MAX_TITLE - len(one) + 1, MAX_TITLE):
        assert title_of("x" * filling + one) == "x" * filling
    assert title_of("x" * (MAX_TITLE - len(one)) + one) == "x" * (MAX_TITLE - len(one)) + one


def test_a_character_without_end_is_cut_somewhere() -> None:
    assert len(title_of("a" + "\u0331\u0327" * 100_000)) == MAX_TITLE


@given(st.text(st.characters(), max_size=400))
def test_any_text_gives_a_title_that_can_be_stored_and_is_its_own(text: str) -> None:
    title = title_of(text)
    assert 1 <= len(title) <= MAX_TITLE
    title.encode()  # no surrogates
    assert not {unicodedata.category(character) for character in title} & {"Cc", "Zl", "Zp"}
    assert title_of(title) == title
