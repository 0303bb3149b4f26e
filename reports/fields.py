"""Typed reading of JSON objects: below `record.py`, so that a wrong type is named where it stands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from reports.errors import ReportError

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class Fields:
    """One JSON object and its place in the file. Absent and null read alike: a run that died leaves holes."""

    values: Mapping[str, object]
    where: str

    def text(self, key: str) -> str:
        """Text, or "" where there is none."""
        value = self.values.get(key)
        if value is None:
            return ""
        if not isinstance(value, str):
            raise self._wrong(key, "text")
        return value

    def number(self, key: str) -> float | None:
        """Return a finite or infinite number, or None."""
        value = self.values.get(key)
        if value is None or value != value:  # noqa: PLR0124 - NaN is the one value that differs from itself
            return None
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self._wrong(key, "a number")
        return float(value)

    def count(self, key: str) -> int:
        """Return a whole number, 0 where there is none."""
        value = self.number(key) or 0.0
        if not value.is_integer():
            raise self._wrong(key, "a whole number")
        return int(value)

    def flag(self, key: str) -> bool | None:
        """Return true, false, or None where nobody has judged yet."""
        value = self.values.get(key)
        if value is not None and not isinstance(value, bool):
            raise self._wrong(key, "true or false")
        return value

    def record(self, key: str) -> Fields:
        """Return the object inside, empty where there is none."""
        value = self.values.get(key)
        if value is None:
            return Fields({}, f"{self.where}.{key}")
        if not isinstance(value, dict):
            raise self._wrong(key, "an object")
        return Fields(value, f"{self.where}.{key}")

    def records(self, key: str) -> list[Fields]:
        """Return the objects of a list, empty where there is none."""
        found = []
        for index, value in enumerate(self._items(key)):
            if not isinstance(value, dict):
                raise self._wrong(f"{key}[{index}]", "an object")
            found.append(Fields(value, f"{self.where}.{key}[{index}]"))
        return found

    def texts(self, key: str) -> tuple[str, ...]:
        """Return a list, each item as text."""
        return tuple(_shown(value) for value in self._items(key))

    def pairs(self) -> tuple[tuple[str, str], ...]:
        """All names and values as text, in the order of the file."""
        return tuple((name, _shown(value)) for name, value in self.values.items())

    def _items(self, key: str) -> list[object]:
        value = self.values.get(key)
        if value is None:
            return []
        if not isinstance(value, list):
            raise self._wrong(key, "a list")
        return value

    def _wrong(self, key: str, wanted: str) -> ReportError:
        return ReportError(
            f"{self.where}.{key} should be {wanted}. The file was edited or comes from another version of sweetspot: "
            "take the folder as the run wrote it, or run again.",
        )


def _shown(value: object) -> str:
    """Any JSON value as the reader of a report wants to see it."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(_shown(item) for item in value) or "none"
    if isinstance(value, dict):
        return ", ".join(f"{name} = {_shown(item)}" for name, item in value.items()) or "none"
    return str(value)
