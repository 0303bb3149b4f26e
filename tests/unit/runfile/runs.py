"""Runs of every shape, made from the types of the fields of run.json, and a small finished run in a folder."""

from dataclasses import is_dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, get_args, get_origin, get_type_hints

import pyarrow as pa
from hypothesis import strategies as st

from runfile.columns import REQUESTS, filled
from runfile.facts import Experiments, Latency, Trial, Validity
from runfile.folder import RunFolder
from runfile.rows import ResultRow

FINITE = st.floats(allow_nan=False, allow_infinity=False)
VALID = Validity(valid=True)
ROW = ResultRow("latency", "v", "prediction", "response_p50", 2.5, 2.0, 3.0, "ms", 100, "", 4.0)
MOMENT = datetime(2026, 11, 22, 13, 15, 0, 1, UTC)
REQUEST = {
    "experiment": "latency", "trial": 1, "block": 1, "variant": "v", "offered_per_s": 4.0, "counted": True,
    "case": "prediction", "step": 0, "intended_ns": 5, "photo_id": "a b", "sent_ns": 6, "done_ns": 7, "status": 200,
    "stage_app_ms": 1.0, "stage_db_ms": 2.0, "stage_decode_ms": 3.0, "stage_queue_ms": 4.0, "stage_infer_ms": 5.0,
    "outcome": "ok", "model_version": "1", "source": "live", "photo_version": "3", "input_read_at": MOMENT,
    "predicted_at": MOMENT,
}  # fmt: skip
PROCESS = {
    "experiment": "latency", "trial": 1, "variant": "v", "process": "web", "t_ns": 9, "cpu_percent": 12.5,
    "rss_bytes": 2**40, "threads": 3,
}  # fmt: skip


def every(hint: Any, numbers: st.SearchStrategy[float] = FINITE) -> st.SearchStrategy[Any]:
    """Return a strategy for values of a type, dataclasses field by field, with these numbers for its floats."""
    if is_dataclass(hint):
        return st.builds(hint, **{name: every(each, numbers) for name, each in get_type_hints(hint).items()})
    kind, of = get_origin(hint), get_args(hint)
    if kind is tuple:
        return st.lists(every(of[0], numbers), max_size=2).map(tuple)
    if kind is dict:
        return st.dictionaries(every(of[0]), every(of[1], numbers), max_size=2)
    if kind is UnionType:
        return st.one_of(*(every(each, numbers) for each in of))
    if kind is Literal:
        return st.sampled_from(of)
    plain = {str: st.text(max_size=5), float: numbers, int: st.integers(), bool: st.booleans(), NoneType: st.none()}
    return plain[hint]


def requests(*rows: dict[str, object]) -> pa.Table:
    """Return rows as a table of requests."""
    return filled(pa.Table.from_pylist(list(rows)), REQUESTS)


def begun(parent: Path) -> RunFolder:
    """Begin a run of one trial, with everything but its results."""
    folder = RunFolder(parent, "quick")
    folder.save(seed=7, experiments=Experiments(latency=Latency(trials=(Trial(1, 1, "v"),), validity=VALID)))
    folder.add_trial(requests(REQUEST), [PROCESS])
    return folder


def finished(parent: Path) -> RunFolder:
    """Return a run that came to its end."""
    folder = begun(parent)
    folder.write_results([ROW])
    folder.save(state="complete", validity=VALID)
    return folder
