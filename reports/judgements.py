"""What a run judged of itself: promises with limits, and gates. Part of `run.json`, read for `record.py`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reports.fields import Fields

PASS, WARN, FAIL, NOT_JUDGED = "pass", "warn", "fail", "not judged"
RATIO_UNITS = ("x", "ratio")


@dataclass(frozen=True)
class Check:
    """One promise with its limit; the verdict is `met`, `missed` or `withheld`."""

    title: str
    value: float | None
    low: float | None
    high: float | None
    limit: float | None
    unit: str
    verdict: str
    note: str
    bound: str = "at most"

    @property
    def is_ratio(self) -> bool:
        """Whether it compares by a factor, so that the noise floor belongs beside it."""
        return self.unit in RATIO_UNITS


@dataclass(frozen=True)
class Gate:
    """One condition under which the numbers may be believed.

    It passes up to `limit`, warns up to `fail_above` and fails beyond; a condition without the latter knows no warning.
    """

    gate: str
    title: str
    variant: str
    value: float | None
    limit: float | None
    fail_above: float | None
    unit: str
    verdict: str
    note: str
    advice: str


def check(fields: Fields) -> Check:
    """Read one promise."""
    value, low, high, limit = (fields.number(key) for key in ("value", "low", "high", "limit"))
    unit, verdict = fields.text("unit"), fields.text("verdict") or "withheld"
    bound = fields.text("bound") or "at most"
    return Check(fields.text("title"), value, low, high, limit, unit, verdict, fields.text("note"), bound)


def gate(fields: Fields) -> Gate:
    """Read one gate; older runs say only whether it passed."""
    value, limit, fail_above = (fields.number(key) for key in ("value", "limit", "fail_above"))
    name, title, variant, unit = (fields.text(key) for key in ("gate", "title", "variant", "unit"))
    note, advice = fields.text("note"), fields.text("advice")
    return Gate(name, title, variant, value, limit, fail_above, unit, _verdict(fields), note, advice)


def _verdict(fields: Fields) -> str:
    """Return the verdict in words. What did not pass failed, whatever else is said of it."""
    passed = fields.flag("passed")
    if passed is False:
        return FAIL
    return fields.text("verdict") or (PASS if passed else NOT_JUDGED)
