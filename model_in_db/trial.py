"""Photos on trial: they are read in a process of its own, which one of them may kill.

    python -m model_in_db.trial SIZE FILE...

SIZE is how many pixels a side the model takes. On stdin is a pipe from who started it, with whose end it ends, too.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from model_in_db.keeper import end_with
from vision.errors import UnreadableImage
from vision.preprocess import preprocess

LONGEST_S = 60  # many times what any photo may take: one that never ends is as bad as one that kills


def killers(files: Sequence[Path], size: int) -> dict[Path, str]:
    """Return the photos that kill who reads them, with the name of the signal; most often all are innocent together.

    Raises OSError where no process can be started.
    """
    name = _killed_by(files, size) if files else None
    if name is None:
        return {}
    if len(files) == 1:
        return {files[0]: name}
    half = len(files) // 2
    return killers(files[:half], size) | killers(files[half:], size)


def _killed_by(files: Sequence[Path], size: int) -> str | None:
    argv: list[str | Path] = [sys.executable, "-m", __name__, str(size), *files]
    quiet = subprocess.DEVNULL
    lifeline, ours = os.pipe()
    try:
        code = subprocess.run(argv, stdin=lifeline, stdout=quiet, stderr=quiet, check=False).returncode
    finally:
        os.close(lifeline)
        os.close(ours)
    return signal.Signals(-code).name if code < 0 else None


def main() -> None:
    """Read the photos; to be none, or gone, is no crime."""
    end_with(sys.stdin.fileno())
    size, *files = sys.argv[1:]
    for file in files:
        signal.alarm(LONGEST_S)
        with suppress(UnreadableImage, OSError):
            preprocess(Path(file).read_bytes(), int(size))


if __name__ == "__main__":
    main()
