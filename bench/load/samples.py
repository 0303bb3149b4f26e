"""What became of every request, in columns: filled while sending, sent between processes, kept as Parquet."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from runfile.columns import ANSWERED, MEASURED, Column

# `unsent`: a run that was stopped; `lost`: under way when it was, or sent by a process that died with its records;
# `dropped`: see dispatcher.
OUTCOMES = (
    "unsent", "lost", "dropped", "ok", "pending", "refused", "degraded", "wrong", "error", "timeout", "reset",
)  # fmt: skip
CODES = {outcome: code for code, outcome in enumerate(OUTCOMES)}
NUMBERS = (*MEASURED, Column("code", "int8", "index into OUTCOMES", CODES["unsent"]))
WORDS = tuple(column.name for column in ANSWERED)


@dataclass
class Samples:
    """Columns in the order of the schedule. Times are ns from the window's start; `code` indexes OUTCOMES."""

    numbers: dict[str, npt.NDArray[Any]]
    words: dict[str, list[str | None]]
    connections: int = 0
    requests_sent: int = 0
    loop_lag_ns: list[int] = field(default_factory=list)
    collections: int = 0  # of garbage, while sending

    @classmethod
    def empty(cls, count: int, outcome: str = "unsent") -> "Samples":
        """Return columns for so many requests of which nothing is known."""
        numbers = {column.name: np.full(count, column.empty, dtype=column.type) for column in NUMBERS}
        numbers["code"][:] = CODES[outcome]
        return cls(numbers, {name: [None] * count for name in WORDS})

    @property
    def outcome(self) -> npt.NDArray[np.str_]:
        """The outcome of each request in words."""
        outcomes: npt.NDArray[np.str_] = np.array(OUTCOMES)[self.numbers["code"]]
        return outcomes

    def message(self) -> dict[str, Any]:
        """Return this as what goes over the wire to the process that collects."""
        numbers = {name: column.tobytes() for name, column in self.numbers.items()}
        words = {name: [text and sound(text) for text in texts] for name, texts in self.words.items()}
        return {**vars(self), "numbers": numbers, "words": words}

    @classmethod
    def from_message(cls, message: Mapping[str, Any]) -> "Samples":
        """Read a message."""
        sent = message["numbers"]
        numbers = {each.name: np.frombuffer(sent[each.name], dtype=each.type).copy() for each in NUMBERS}
        return cls(**{**message, "numbers": numbers})


def sound(text: str) -> str:
    """Return a text that can be sent and written: JSON knows half characters, and no answer may cost us all others."""
    return text.encode("utf-8", "replace").decode("utf-8")


def merge(shares: Sequence[Samples | None], count: int) -> Samples:
    """Put the shares of several processes back together: share k has the rows k, k + n, ... None: it never came."""
    whole = Samples.empty(count, "lost")
    for index, share in enumerate(shares):
        if share is None:
            continue
        rows = slice(index, None, len(shares))
        for name, column in share.numbers.items():
            whole.numbers[name][rows] = column
        for name, words in share.words.items():
            whole.words[name][rows] = words
        whole.connections += share.connections
        whole.requests_sent += share.requests_sent
        whole.loop_lag_ns += share.loop_lag_ns
        whole.collections += share.collections
    return whole
