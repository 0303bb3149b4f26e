"""Why a photo cannot be read: it is none, it is too much, or there is no time for it now."""


class UnreadableImage(ValueError):  # noqa: N818  (the name is the state of the photo, as in the rest of the product)
    """These bytes cannot be read; the text says why, and the decoder's own error is kept as the cause."""


class TooManyPixels(UnreadableImage):
    """More pixels than are taken of any photo."""


class TooCostly(UnreadableImage):
    """Few enough pixels, packed so that decoding takes too long or too much memory. Trying again is no use."""


class Busy(RuntimeError):  # noqa: N818
    """Other large photos are being decoded; `retry_after` says in how many seconds to ask again."""

    retry_after = 1
