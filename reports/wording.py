"""Numbers and lists in words, one place for every rounding rule of the page. Knows no run."""

import math
import re
from collections.abc import Mapping, Sequence

FAILS = "fails"
NONE = "no value"
FACTORS = ("", "ratio", "x")  # units of numbers that stand alone
THOUSAND, HUNDRED, TEN, TENTH, TINY = 1000, 100, 10, 0.1, 1e-4
SPACE = "\N{NO-BREAK SPACE}"  # a number and its unit stay on one line


def number(value: float | None, unit: str = "") -> str:
    """Return a number with its unit; `share` reads as percent, infinity as "fails"."""
    if value is None:
        return NONE
    if math.isinf(value):
        return FAILS
    if unit == "share":
        return f"{digits(value * 100)}{SPACE}%"
    if unit in FACTORS:
        return digits(value)
    whole = value.is_integer() and unit not in ("ms", "s")  # other units count things, and things are whole
    return f"{value:,.0f}{SPACE}{unit}" if whole else f"{digits(value)}{SPACE}{unit}"


def exact(value: float | None, unit: str = "") -> str:
    """Return a number that was set and not measured, such as a limit, as it was set."""
    if value is None:
        return NONE
    shown, name = (value * 100, "%") if unit == "share" else (value, unit)
    return f"{shown:,g}" if name in FACTORS else f"{shown:,g}{SPACE}{name}"


def digits(value: float) -> str:
    """Three significant digits, two below one. More would claim a precision that no trial has."""
    size = abs(value)
    if size >= THOUSAND:
        return f"{value:,.0f}"
    if size >= HUNDRED:
        return f"{value:.0f}"
    if size >= TEN:
        return f"{value:.1f}"
    if size >= TENTH:
        return f"{value:.2f}"
    return f"{value:#.2g}" if size >= TINY else "0" if not value else f"{value:.0e}"


def rate(value: float | None) -> str:
    """Return an offered rate as people say it: three significant digits, no trailing zeros."""
    return NONE if value is None else f"{float(f'{value:.3g}'):,g}"


def around(half_width: float) -> str:
    """Return a relative half-width, such as a noise floor, in percent; a tenth of a percent is all it is good for."""
    percent = half_width * 100
    return f"±{percent:.1f}{SPACE}%" if percent < TEN else f"±{percent:,.0f}{SPACE}%"


def interval(low: float | None, high: float | None, unit: str = "") -> str:
    """Return an interval as [low, high], or "" where a bound is not known."""
    if low is None or high is None:
        return ""
    scale = 100 if unit == "share" else 1
    return f"[{number(low * scale)},{SPACE}{number(high * scale)}]"


def listed(items: Sequence[str]) -> str:
    """Items as a sentence says them: a, b and c."""
    return ", ".join(items[:-1]) + " and " + items[-1] if len(items) > 1 else "".join(items)


def counted(count: int, noun: str) -> str:
    """Return a count with its noun, in the plural where it must be."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def spread(values: Sequence[float | None]) -> str:
    """One number where all agree, else "a to b"; "" where there is none."""
    known = sorted(value for value in values if value is not None)
    return " to ".join(dict.fromkeys(rate(value) for value in (*known[:1], *known[-1:])))


def metric(name: str) -> str:
    """Return the name of a metric as people say it."""
    return name.replace("_", " ")


def sentence(words: str) -> str:
    """Return words as a sentence: with a capital letter and an end."""
    said = words[:1].upper() + words[1:]
    return said if said.endswith((".", "!", "?")) else f"{said}."


def moment(text: str | None) -> str:
    """Return an RFC 3339 time in UTC to the second, as people write it; any other text as it is."""
    found = re.fullmatch(r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)(\.\d+)?Z", text or "")
    return f"{found[1]} {found[2]} UTC" if found else text or ""


def facts(values: Mapping[str, object]) -> list[tuple[str, str]]:
    """Names and values of a settings table as a reader wants them: no underscores, bytes as GiB."""
    return [
        (name.removesuffix("_bytes").replace("_", " "), size(value))
        if name.endswith("_bytes") and isinstance(value, int)
        else (name.replace("_", " "), _fact(value))
        for name, value in values.items()
    ]


def size(count: int) -> str:
    """Return a number of bytes as people say it."""
    return f"{digits(count / 2**30)}{SPACE}GiB"


def _fact(value: object) -> str:
    """Return a value of run.json as text."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple):
        return ", ".join(map(_fact, value)) or "none"
    return "none" if value is None else f"{value:g}" if isinstance(value, float) else str(value)
