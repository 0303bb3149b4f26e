"""What a photo may be called: text as people write it, on one line, at most 200 characters. For all titles."""

import re
import unicodedata

MAX_TITLE = 200
# What starts a new line, and the tab; spaces of whatever width are text.
_BREAKS = re.compile(r"[\t-\r\x1c-\x1e\x85\u2028\u2029]+")
# Control characters; those that turn the reading direction around, also of what stands behind the title; and
# surrogates, by which Python holds the bytes of a file's name that are not UTF-8, and which cannot be stored.
_NO_TEXT = re.compile(r"[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_JOINER = "\u200d"


def title_of(given: str) -> str:
    """Return a title that can be stored and shown: one line, composed (NFC), trimmed, or `Untitled`."""
    given = given[: 8 * MAX_TITLE]  # composing marks without end takes time without end
    text = _NO_TEXT.sub("", _BREAKS.sub(" ", given))
    text = _cut(unicodedata.normalize("NFC", text).strip()).strip()
    return text if any(map(_is_seen, text)) else "Untitled"


def _cut(text: str) -> str:
    """Cut behind the last whole character, as people count them, that has room; a single one that has not is cut."""
    end = MAX_TITLE
    while 0 < end < len(text) and _belong_together(text[end - 1], text[end]):
        end -= 1
    return text[: end or MAX_TITLE]


def _belong_together(before: str, after: str) -> bool:
    """Whether a cut here would leave half a character: a letter without its mark, a part of an emoji, half a flag."""
    return (
        _JOINER in {before, after}
        or unicodedata.category(after).startswith("M")
        or "\U0001f3fb" <= after <= "\U0001f3ff"  # skin tones
        or "\U000e0020" <= after <= "\U000e007f"  # tags
        or ("\U0001f1e6" <= before <= "\U0001f1ff" and "\U0001f1e6" <= after <= "\U0001f1ff")
    )


def _is_seen(character: str) -> bool:
    category = unicodedata.category(character)
    return category != "Cf" and category[0] not in "ZM"
