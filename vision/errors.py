"""What can go wrong with the model: two errors that callers tell apart, at the bottom of `vision`."""


class ModelError(RuntimeError):
    """The model cannot be built, loaded or run; the text says what to do about it."""


class UnreadableImage(ValueError):  # noqa: N818  (the name is the state of the photo, as in the rest of the product)
    """These bytes cannot be scored; the text says why, and the decoder's own error is kept as the cause."""
