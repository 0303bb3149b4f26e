"""The raw limit: photos decoded and scored in a bare loop. What the harness holds every variant against.

Nothing else happens in the loop: no web, no queue, no batching, no ranking of the scores. So a variant's distance from
these numbers is the price of its architecture, as long as both are equally rested: a core that has just slept runs the
same model more slowly than one that never stops, so the loop can be paced like the load (docs/adr/0006).
"""

import time
from dataclasses import dataclass
from time import perf_counter_ns
from typing import TYPE_CHECKING

from vision.artifact import Artifact
from vision.preprocess import preprocess
from vision.session import open_session

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

WARM_UP = 10


@dataclass(frozen=True)
class Limit:
    """Nanoseconds per photo, in order: `samples_ns` is the sum of the other two; `images` is how many were scored."""

    provider: str
    version: str
    samples_ns: list[int]
    decode_ns: list[int]
    infer_ns: list[int]
    images: int


def measure_limit(
    artifact: Artifact, photos: list[bytes], *, seconds: float, rate: float = 0, device: str = "cpu", threads: int = 1
) -> Limit:
    """Score the photos over and over for that long, after a short warm-up.

    `rate` is in photos per second, evenly spaced; 0 means back to back. Raise `ModelError` where the model cannot run.
    """
    session = open_session(artifact.model, device=device, threads=threads)
    size = artifact.manifest.input_size
    for turn in range(WARM_UP):
        _score(session, photos[turn % len(photos)], size)
    decode_ns, infer_ns = _loop(session, photos, size, seconds=seconds, pause_ns=int(1e9 / rate) if rate else 0)
    samples_ns = [decode + infer for decode, infer in zip(decode_ns, infer_ns, strict=True)]
    return Limit(
        session.get_providers()[0], artifact.manifest.version, samples_ns, decode_ns, infer_ns, len(samples_ns)
    )


def _loop(
    session: "InferenceSession", photos: list[bytes], size: int, *, seconds: float, pause_ns: int
) -> tuple[list[int], list[int]]:
    decode_ns: list[int] = []
    infer_ns: list[int] = []
    start = perf_counter_ns()
    end = start + int(seconds * 1e9)
    while perf_counter_ns() < end:
        time.sleep(max(0, start + len(decode_ns) * pause_ns - perf_counter_ns()) / 1e9)
        decode, infer = _score(session, photos[len(decode_ns) % len(photos)], size)
        decode_ns.append(decode)
        infer_ns.append(infer)
    return decode_ns, infer_ns


def _score(session: "InferenceSession", photo: bytes, size: int) -> tuple[int, int]:
    started = perf_counter_ns()
    pixels = preprocess(photo, size)
    decoded = perf_counter_ns()
    session.run(None, {"image": pixels[None]})
    return decoded - started, perf_counter_ns() - decoded
