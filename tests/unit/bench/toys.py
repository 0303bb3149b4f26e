"""What the tests of the harness share: the toy variant, photos with their labels, rows of requests that are made up."""

import pandas as pd
import pyarrow as pa

from bench.gates import thresholds
from bench.load.plan import Target
from bench.machine.cores import Split
from runfile.columns import REQUESTS, schema_of
from tests.unit.bench.variants import TINY, TOY, copy_of_toy, place, variant  # noqa: F401 - still imported here

LABELS = ("tabby", "tiger cat", "lynx", "teapot", "stove")
TARGETS: list[Target] = [
    {"id": name, "path": name, "labels": {"1": LABELS}} for name in (f"photo-{number}" for number in range(7))
]
LIMITS = thresholds.load()
CORES = Split((0,), (1,), pinned=True)
MS = 1e6


def request(
    intended_ms: float = 1.0, sent_ms: float | None = 2.0, done_ms: float | None = 12.0, **more: object
) -> dict[str, object]:
    """Make up a row of requests.parquet: a good prediction, unless more is said."""
    times = {"intended_ns": intended_ms, "sent_ns": sent_ms, "done_ns": done_ms}
    row = {"trial": 1, "block": 1, "variant": "v", "case": "prediction", "step": 0, "offered_per_s": 4.0}
    row |= {key: None if ms is None else round(ms * MS) for key, ms in times.items()}
    return {**row, "photo_id": "photo-0", "outcome": "ok", "counted": True, **more}


def table(*rows: dict[str, object]) -> pd.DataFrame:
    """Return rows in the form in which a run reads them from its folder."""
    return pa.Table.from_pylist(list(rows), schema=schema_of(REQUESTS)).to_pandas()
