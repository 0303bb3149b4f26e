"""Reading the query string: one whole number within its limits, or 400 with words that say which."""

from typing import TypeVar

from flask import abort, request

Default = TypeVar("Default", int, None)


def whole_number(name: str, default: Default, low: int, high: int) -> int | Default:
    """Return a query parameter as a number from low to high, or the default where it is not given."""
    values = request.args.getlist(name)
    if not values:
        return default
    text = values[0]
    # No longer than the highest number: converting digits without end takes time without end.
    plain = len(values) == 1 and text.isascii() and text.isdigit() and len(text) <= len(str(high))
    if plain and low <= int(text) <= high:
        return int(text)
    return abort(400, f"{name} must be one whole number from {low} to {high}, not {', '.join(values)[:50]!r}.")
