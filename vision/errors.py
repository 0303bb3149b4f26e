"""What can go wrong with the model; what can go wrong with a photo is told by `imaging.errors`."""

from imaging.errors import UnreadableImage

__all__ = ["ModelError", "UnreadableImage"]


class ModelError(RuntimeError):
    """The model cannot be built, loaded or run; the text says what to do about it."""
