"""What the calibration says: truth beside reported, a line for each quantity, with a verdict in a word."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

OK, OFF, NOT_JUDGED = "ok", "off", "not judged"
HEAD = ("tried on", "quantity", "truth", "reported", "allowed", "verdict")


@dataclass(frozen=True)
class Line:
    """One quantity. Truth and reported have the same unit; `allowed` says in words how far apart they may be."""

    against: str
    quantity: str
    unit: str
    truth: float
    reported: float
    allowed: str
    verdict: str

    @property
    def cells(self) -> tuple[str, ...]:
        """Return the line as a row of the table."""
        numbers = (value(number, self.unit) for number in (self.truth, self.reported))
        return (self.against, self.quantity, *numbers, self.allowed, self.verdict)


def close(against: str, quantity: str, truth_s: float, reported_s: float, *, share: float, least_s: float) -> Line:
    """Judge a time in seconds that may be off by a share of the truth or by so many seconds, whatever is more."""
    allowed = max(share * truth_s, least_s)
    words = f"{share:.0%} or {least_s * 1000:g} ms" if least_s else f"{share:.0%}"
    verdict = OK if abs(reported_s - truth_s) <= allowed else OFF
    return Line(against, quantity, "ms", truth_s * 1000, reported_s * 1000, words, verdict)


def at_most(against: str, quantity: str, unit: str, reported: float, limit: float) -> Line:
    """Judge a quantity that would be 0 if the generator were perfect."""
    words = f"at most {limit:g} {unit}".rstrip() if limit else "none"
    return Line(against, quantity, unit, 0.0, reported, words, OK if reported <= limit else OFF)


def beside(against: str, quantity: str, unit: str, truth: float, reported: float) -> Line:
    """Show a quantity that nobody is judged by."""
    return Line(against, quantity, unit, truth, reported, "", NOT_JUDGED)


def value(number: float, unit: str) -> str:
    """Return a number for people, a measured one with three digits."""
    if not unit or not math.isfinite(number):
        return f"{number:g} {unit}".rstrip()
    size = abs(number)
    digits = 2 if size < 10 else 1 if size < 100 else 0  # noqa: PLR2004 - see above
    return f"{number:,.{digits}f} {unit}"


def table(lines: Iterable[Line]) -> str:
    """Return all lines, aligned; numbers stand to the right. What a line is tried on is said once."""
    rows = [HEAD, *(line.cells for line in lines)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    text, last = [], ""
    for against, *rest in rows:
        cells = ["" if against == last else against, *rest]
        last = against
        aligned = [
            cell.rjust(width) if column in (2, 3) else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(cells, widths, strict=True))
        ]
        text.append("  ".join(aligned).rstrip())
    return "\n".join(text)
