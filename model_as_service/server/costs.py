"""What a batch costs, learned: how the seconds grow with the batch's size, and how fast the machine is right now.

The shape (seconds by size) is measured when a model is loaded and then follows slowly. The pace, by which all sizes
are slower or faster than their shape, follows quickly: on a shared machine the same batch takes twice as long a minute
later. Mean and mean deviation are kept as TCP keeps those of its round trips (RFC 6298, after Jacobson and Karels).
"""

import math
from collections.abc import Mapping

GAIN, GAIN_SWING, GAIN_SHAPE = 1 / 8, 1 / 4, 1 / 64
SAFETY = 4.0  # deviations above the mean, as in RFC 6298
LEAP = 4.0  # one batch that took longer than so many times the mean was an accident: a pause of the whole machine
TIE = 1.03  # a batch that costs so much more per image still pays: it goes to the model and back only once


class Costs:
    """Seconds by batch size. Not thread-safe: the scheduler's lock guards it."""

    def __init__(self, seconds: Mapping[int, float]) -> None:
        self._shape = dict(sorted(seconds.items()))
        self._pace, self._swing = 1.0, 0.1
        self.sizes = tuple(self._shape)

    def observe(self, size: int, seconds: float) -> None:
        """Learn from a batch of one of the sizes."""
        ratio = min(seconds / self._shape[size], LEAP * self._pace)
        self._shape[size] *= 1 + GAIN_SHAPE * (ratio / self._pace - 1)
        self._swing += GAIN_SWING * (abs(ratio - self._pace) - self._swing)
        self._pace += GAIN * (ratio - self._pace)

    def expected(self, size: int) -> float:
        """Return the mean of a batch."""
        return self._shape[size] * self._pace

    def safe(self, size: int) -> float:
        """Return what a batch hardly ever exceeds."""
        return self._shape[size] * (self._pace + SAFETY * self._swing)

    def best(self, waiting: int, slack: float = math.inf) -> int:
        """Return the size to run: of those that fill and end within `slack`, the cheapest per image, or a larger."""
        best = self.sizes[0]
        for size in self.sizes[1:]:
            if size > waiting or self.safe(size) > slack:
                break
            if self.expected(size) / size <= TIE * self.expected(best) / best:
                best = size
        return best

    def of(self, images: int) -> float:
        """Return within how many seconds so many images are surely done, in batches of the size that suits them best.

        The deviations of several batches add up as the root of their squares.
        """
        size = self.best(images)
        batches = images / size  # a last one that is smaller costs less
        return self._shape[size] * (batches * self._pace + SAFETY * self._swing * math.sqrt(batches))
