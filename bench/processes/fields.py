"""The `{fields}` that a stack file may use, checked when the file is read and filled in when a command runs."""

from collections.abc import Collection, Mapping
from string import Formatter


class FieldError(ValueError):
    """A text uses a field that does not exist at that place; the message names it and those that do."""


def check(text: str, known: Collection[str]) -> None:
    """Raise FieldError unless all that the text holds are known dotted fields, e.g. `{data}/x {web.port}`."""
    try:
        parts = list(Formatter().parse(text))
    except ValueError as error:
        raise FieldError(f"{text!r} is not a valid template: {error}; write {{{{ and }}}} for braces") from error
    for field, form, conversion in (part[1:] for part in parts if part[1] is not None):
        if form or conversion or not field:
            raise FieldError(f"{text!r} may only hold plain fields such as {{port}}")
        if field not in known:
            raise FieldError(f"unknown field {{{field}}}; here these can be used: {', '.join(sorted(known))}")


def fill(text: str, values: Mapping[str, object]) -> str:
    """Return the text with its fields replaced."""
    check(text, values.keys())
    return "".join(
        literal + ("" if field is None else str(values[field])) for literal, field, _, _ in Formatter().parse(text)
    )
