"""`requests.parquet` as percentile curves, pooled over the trials of a variant. Read by `runfolder.py`."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reports.errors import ReportError

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

COLUMNS = ("block", "variant", "case", "intended_ns", "done_ns", "outcome")
STEP, LOW_LOAD = "step", 0  # a column that older runs lack: their load has one step
POINTS = 160
SAMPLES_ABOVE = -math.log(0.025)  # with fewer above it, a percentile has no 95 % interval, and the curve ends there


@dataclass(frozen=True, eq=False)
class Curve:
    """Response time of predictions by percentile: `ms[i]` at share `shares[i]`; infinite where failures begin.

    `blocks` holds the sorted response times of each block alone: what differs must differ in every one of them.
    """

    variant: str
    n: int
    shares: tuple[float, ...]
    ms: tuple[float, ...]
    blocks: dict[int, NDArray[np.float64]]

    def in_block(self, block: int, share: float) -> float:
        """Return the response time in ms below which this share of one block lies, however few requests it has."""
        values = self.blocks[block]
        return float(values[_rank(share, len(values))])

    def at(self, share: float) -> float | None:
        """Return the response time in ms below which this share lies, None beyond what n can carry."""
        for point, value in zip(self.shares, self.ms, strict=True):
            if point >= share - 1e-9:
                return value
        return None


def read(path: Path, case: str = "prediction") -> tuple[Curve, ...]:
    """Read the curves of one route class at low load, one per variant that has enough requests.

    Raises FileNotFoundError when the file is absent, ReportError when it is damaged.
    """
    import pyarrow as pa
    from pyarrow import parquet

    try:
        # ParquetFile and not read_table: the latter loads the dataset machinery, a fifth of a second for nothing.
        with parquet.ParquetFile(path) as file:
            stepped = [STEP] if STEP in file.schema_arrow.names else []
            table = file.read(columns=[*COLUMNS, *stepped])
        return _curves(table, case)
    except FileNotFoundError:
        raise
    except (pa.ArrowException, KeyError, OSError, ValueError) as error:
        raise ReportError(f"{path} is damaged ({error}). Restore it from a copy, or run again.") from error


def _curves(table: pa.Table, case: str) -> tuple[Curve, ...]:
    intended, variants = _numbers(table["intended_ns"]), _texts(table["variant"])
    # Requests before the window are warm-up: they were sent so that the ones that count meet a warm system.
    counted = (_texts(table["case"]) == case) & (intended >= 0)
    if STEP in table.column_names:
        counted &= _numbers(table[STEP]) == LOW_LOAD
    ms, blocks = _responses(table, intended), _numbers(table["block"])
    names = dict.fromkeys(variants[counted].tolist())
    chosen = [(name, counted & (variants == name)) for name in names]
    curves = [_curve(name, ms[own], blocks[own]) for name, own in chosen]
    return tuple(curve for curve in curves if curve.shares)


def _responses(table: pa.Table, intended: NDArray[np.float64]) -> NDArray[np.float64]:
    """Response times in ms, from the intended start; whatever is not a good answer is infinitely slow."""
    import numpy as np

    return np.where(_texts(table["outcome"]) == "ok", (_numbers(table["done_ns"]) - intended) / 1e6, np.inf)


def _numbers(column: pa.ChunkedArray) -> NDArray[np.float64]:
    """Return a column of whole numbers, infinite where there is none: what was never done took for ever.

    pyarrow's own to_numpy, and any Python value given to its functions, load pandas: half a second for nothing.
    """
    import numpy as np

    known = np.from_dlpack(column.is_valid().cast("int8").combine_chunks()).astype(bool)
    values = np.full(len(column), np.inf)
    values[known] = np.from_dlpack(column.drop_null().cast("int64").combine_chunks())
    return values


def _texts(column: pa.ChunkedArray) -> NDArray[np.str_]:
    """Return a column of texts that has no holes."""
    import numpy as np

    if column.null_count:
        raise ValueError("a text is missing where there must be one")
    encoded = column.combine_chunks().dictionary_encode()
    texts: NDArray[np.str_] = np.array(encoded.dictionary.to_pylist(), dtype=np.str_)[np.from_dlpack(encoded.indices)]
    return texts


def _curve(variant: str, ms: NDArray[np.float64], blocks: NDArray[np.float64]) -> Curve:
    """Order statistics on a grid that is even in powers of ten of the tail, as the figure's axis is."""
    import numpy as np

    ordered, n = np.sort(ms), len(ms)
    tail = max(n / SAMPLES_ABOVE, 1)
    shares = [1 - tail ** (-step / POINTS) for step in range(POINTS + 1)] if tail > 1 else []
    points = sorted({*shares, *(share for share in (0.5, 0.9, 0.95, 0.99) if share <= 1 - 1 / tail)})
    values = tuple(float(ordered[_rank(share, n)]) for share in points)
    by_block = {int(each): np.sort(ms[blocks == each]) for each in np.unique(blocks)}
    return Curve(variant, n, tuple(points), values, by_block)


def _rank(share: float, n: int) -> int:
    """Return the place of an order statistic among n, from 0; the small number undoes rounding in share * n."""
    return max(math.ceil(share * n - 1e-9), 1) - 1
