"""JSON to dataclasses and back, by pydantic: every mistake is told with its key. For run.json and TOML files."""

import math
from collections.abc import Callable
from functools import cache
from typing import Annotated, Any, TypeVar, cast

from pydantic import BeforeValidator, TypeAdapter, ValidationError, WithJsonSchema

T = TypeVar("T")
# A number that is always there, but for one that JSON cannot hold: that was written as null, and is read as NaN.
Number = Annotated[
    float,
    BeforeValidator(lambda value: math.nan if value is None else value),
    WithJsonSchema({"type": ["number", "null"]}),
]
WORDS = {
    "missing": "is missing",
    "unexpected_keyword_argument": "is not known here",
    "dataclass_type": "must be a table",
    "missing_argument": "is missing",
}


class Malformed(ValueError):  # noqa: N818 - the message is a list of what is wrong
    """A value is not what its dataclass asks for; the message names every key and what is wrong with it."""


# Making one takes a while, so each is made once.
adapter: Callable[[Any], TypeAdapter[Any]] = cache(TypeAdapter)


def decode(kind: type[T], text: str | bytes) -> T:
    """Read JSON as a dataclass. Raises Malformed."""
    try:
        return cast("T", adapter(kind).validate_json(text))
    except ValidationError as error:
        raise Malformed(
            "; ".join(problem(each["loc"], each["type"], each["msg"]) for each in error.errors())
        ) from error


def encode(value: object) -> str:
    """Write a dataclass as JSON. What JSON cannot hold, NaN and infinity, becomes null: an odd number loses nothing."""
    return adapter(type(value)).dump_json(value, indent=2).decode() + "\n"


def problem(loc: tuple[int | str, ...], kind: str, message: str) -> str:
    """Say where something is wrong and what, e.g. `steps[1].load: must be greater than 0`."""
    words = WORDS.get(kind) or message.removeprefix("Value error, ").replace("Input should be", "must be")
    named = loc[:-2] if loc[-1:] == ("[key]",) else loc  # a wrong key is in the words already
    place = "".join(f"[{each}]" if isinstance(each, int) else f".{each}" for each in named).removeprefix(".")
    return f"{place} {words}" if kind in WORDS and place else f"{place}: {words}" if place else words
