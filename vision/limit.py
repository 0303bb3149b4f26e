"""The raw limit: photos decoded and scored in a bare loop. What the harness holds every variant against.

Nothing else happens in the loop: no web, no queue, no batching, no ranking of the scores. So a variant's distance from
these numbers is the price of its architecture, as long as both are equally rested: a core that has just slept runs the
same model more slowly than one that never stops, so the loop can be paced like the load (docs/adr/0006).
"""

import time
from dataclasses import dataclass
from itertools import cycle, islice
from time import perf_counter_ns

from vision.artifact import Artifact
from vision.preprocess import preprocess
from vision.session import open_session

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


class BareLoop:
    """A warm session, and the photos, which it takes in turn: each turn goes on where the last one stopped."""

    def __init__(self, artifact: Artifact, photos: list[bytes], *, device: str = "cpu", threads: int = 1) -> None:
        """Raise `ModelError` where the model cannot run."""
        self._manifest = artifact.manifest
        self._session = open_session(artifact.model, device=device, threads=threads)
        for photo in islice(cycle(photos), WARM_UP):
            self._score(photo)
        self._photos = cycle(photos)

    def turn(self, seconds: float, rate: float = 0) -> Limit:
        """Score photos for that long. `rate` is in photos per second, evenly spaced; 0 means back to back."""
        decode_ns, infer_ns = self._loop(seconds, pause_ns=int(1e9 * min(1 / rate, seconds)) if rate else 0)
        samples_ns = [decode + infer for decode, infer in zip(decode_ns, infer_ns, strict=True)]
        provider = self._session.get_providers()[0]
        return Limit(provider, self._manifest.version, samples_ns, decode_ns, infer_ns, len(samples_ns))

    def _loop(self, seconds: float, pause_ns: int) -> tuple[list[int], list[int]]:
        decode_ns: list[int] = []
        infer_ns: list[int] = []
        start = perf_counter_ns()
        end = start + int(seconds * 1e9)
        while perf_counter_ns() < end:
            time.sleep(max(0, start + len(decode_ns) * pause_ns - perf_counter_ns()) / 1e9)
            decode, infer = self._score(next(self._photos))
            decode_ns.append(decode)
            infer_ns.append(infer)
        return decode_ns, infer_ns

    def _score(self, photo: bytes) -> tuple[int, int]:
        started = perf_counter_ns()
        pixels = preprocess(photo, self._manifest.input_size)
        decoded = perf_counter_ns()
        self._session.run(None, {"image": pixels[None]})
        return decoded - started, perf_counter_ns() - decoded
