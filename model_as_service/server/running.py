"""The batch on the model: how long it will still take, and when it takes so long that something is wrong."""

from dataclasses import dataclass

HANG_S, HANG_FACTOR = 30.0, 10  # a batch that takes longer than both allow is not slow, it hangs
DECODER_LATE_S, DECODER_HANG_S = 2.0, 300.0  # of photos that were judged to take milliseconds


@dataclass(slots=True)
class Running:
    """The batch on the model, since when, how long it should take, and how long at most. First it is decoded."""

    begun: float
    expected: float
    safe: float
    decoded: float | None = None  # when it was

    def left(self, now: float) -> float:
        """Return for how long it surely still runs.

        One that is late has as long to go as it has been going, but not for ever: perhaps not the model stood still
        but the whole machine, and after such a pause nobody should be refused because of it.
        """
        elapsed = now - self.begun
        return self.safe - elapsed if elapsed < self.safe else min(elapsed, HANG_FACTOR * self.expected)

    def hangs(self, now: float) -> bool:
        """Tell whether nobody should wait for it any more. A decoder that is slow is not yet a model that hangs."""
        if self.decoded is None:
            return now - self.begun > DECODER_HANG_S
        return now - self.decoded > max(HANG_S, HANG_FACTOR * self.expected)

    def decodes_for_long(self, now: float) -> bool:
        """Tell whether some photo takes much longer than was thought."""
        return self.decoded is None and now - self.begun > max(DECODER_LATE_S, HANG_FACTOR * self.expected)

    def note_decoded(self, now: float) -> None:
        """Turn to the model."""
        self.decoded = now
