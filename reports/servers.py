"""The inference servers of a run that compares those, and what does not count. Part of `run.json`, for `record.py`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reports.fields import Fields


@dataclass(frozen=True)
class Peer:
    """One inference server of a run that compares those; `failed` says why it is not, or no longer, among them."""

    name: str
    title: str
    release: str
    form: str
    run: tuple[str, ...]
    failed: str


@dataclass(frozen=True)
class Withheld:
    """One measurement that does not count, and why."""

    variant: str
    case: str
    block: float | None
    reason: str


def peer(fields: Fields) -> Peer:
    """Read one server."""
    name, failed = fields.text("name"), fields.text("failed")
    title = fields.text("title") or name
    return Peer(name, title, fields.text("release"), fields.text("form"), fields.texts("run"), failed)


def withheld(fields: Fields) -> Withheld:
    """Read one measurement that does not count."""
    return Withheld(fields.text("variant"), fields.text("case"), fields.number("block"), fields.text("reason"))
