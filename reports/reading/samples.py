"""requests.parquet as percentile curves: the predictions that count, at the lowest load of each variant."""

import math

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from reports.reading.results import PREDICTION, Curve
from runfile import RunFileError

POINTS = 160
MARKED = (0.5, 0.9, 0.95, 0.99)
SAMPLES_ABOVE = -math.log(0.025)  # with fewer above it, a percentile has no 95 % interval, and the curve ends there


def curves(requests: pa.Table, experiment: str) -> tuple[Curve, ...]:
    """Return one curve per variant that has enough requests.

    What does not count, such as a trial that was measured again, is in the file and in no number. Raises RunFileError.
    """
    variants, offered = _texts(requests["variant"]), _numbers(requests["offered_per_s"])
    counted = _numbers(requests["counted"].cast("int8")) == 1
    counted &= (_texts(requests["experiment"]) == experiment) & (_texts(requests["case"]) == PREDICTION)
    # From the intended start, in ms; whatever is not a good answer is infinitely slow.
    took = (_numbers(requests["done_ns"]) - _numbers(requests["intended_ns"])) / 1e6
    ms = np.where(_texts(requests["outcome"]) == "ok", took, np.inf)
    found = []
    for name in dict.fromkeys(variants[counted].tolist()):
        own = counted & (variants == name)
        found.append(_curve(name, np.sort(ms[own & (offered == offered[own].min())])))
    return tuple(curve for curve in found if curve.shares)


def _numbers(column: pa.ChunkedArray) -> NDArray[np.float64]:
    """Return a column of numbers, infinite where there is none: what was never done took for ever.

    pyarrow's own to_numpy, and any Python value given to its functions, load pandas: half a second for nothing.
    """
    known = np.from_dlpack(column.is_valid().cast("int8").combine_chunks()).astype(bool)
    values = np.full(len(column), np.inf)
    values[known] = np.from_dlpack(column.drop_null().combine_chunks())
    return values


def _texts(column: pa.ChunkedArray) -> NDArray[np.str_]:
    """Return a column of texts that has no holes. Raises RunFileError."""
    if column.null_count:
        raise RunFileError(
            "requests.parquet is damaged: a text is missing in it. Restore it from a copy, or run again."
        )
    encoded = column.combine_chunks().dictionary_encode()
    texts: NDArray[np.str_] = np.array(encoded.dictionary.to_pylist(), dtype=np.str_)[np.from_dlpack(encoded.indices)]
    return texts


def _curve(variant: str, ordered: NDArray[np.float64]) -> Curve:
    """Order statistics on a grid that is even in powers of ten of the tail, as the figure's axis is."""
    n = len(ordered)
    tail = max(n / SAMPLES_ABOVE, 1)
    shares = [1 - tail ** (-step / POINTS) for step in range(POINTS + 1)] if tail > 1 else []
    points = sorted({*shares, *(share for share in MARKED if share <= 1 - 1 / tail)})
    return Curve(variant, tuple(points), tuple(float(ordered[_rank(share, n)]) for share in points))


def _rank(share: float, n: int) -> int:
    """Return the place of an order statistic among n, from 0; the small number undoes rounding in share * n."""
    return max(math.ceil(share * n - 1e-9), 1) - 1
