"""Which version should be serving, as a line in a file: written by a deployment, read by whoever runs the model."""

import os
import shlex
from pathlib import Path

from vision.errors import ModelError
from vision.files import write_atomically
from vision.releases import find_release

MOST_BYTES = 100  # of the file: many more than any version has, few enough to be shown


def read_live(path: Path) -> str:
    """Return the version that should be serving; raise `ModelError` where the file is missing or names none of ours."""
    try:
        with open(path, "rb", buffering=0, opener=_at_once) as file:
            content = file.read(MOST_BYTES + 1) or b""
    except (OSError, ValueError) as error:
        raise ModelError(
            f"cannot read the live version ({error}): run `python -m vision live 1 --file {shlex.quote(str(path))}`"
        ) from error
    text = content[:MOST_BYTES].decode(errors="backslashreplace").strip() + "…" * (len(content) > MOST_BYTES)
    try:
        return find_release(text).version
    except ModelError as error:
        raise ModelError(f"{path}: {error}") from error


def _at_once(path: str, flags: int) -> int:
    """Open a file; a pipe into which nobody writes would else be waited for."""
    return os.open(path, flags | os.O_NONBLOCK)


def write_live(path: Path, version: str) -> None:
    """Make that version the live one, at once for every reader; raise `ModelError` where there is no such version."""
    write_atomically(path, f"{find_release(version).version}\n".encode())
