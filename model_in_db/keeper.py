"""The keeper of the batch job: starts it again where something has killed it, be it a photo.

    python -m model_in_db.keeper SECONDS ARGUMENT...

`python -m model_in_db.precompute --every SECONDS` becomes this, with its own arguments. It needs nothing but the
standard library, so beside the job it is small. A job that ends by itself, with an exit code, is not started again.
Whatever ends the keeper ends the job: that holds one end of a pipe whose other end closes then.
"""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import NoReturn


def become_keeper(every: float, arguments: Sequence[str]) -> NoReturn:
    """Put the keeper in the place of this process: same id, same parent."""
    os.execv(sys.executable, [sys.executable, "-m", __name__, str(every), *arguments])  # noqa: S606


def end_with(lifeline: int) -> None:
    """End this process at once when the other end of the pipe closes."""

    def watch() -> None:
        os.read(lifeline, 1)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def keep(every: float, arguments: Sequence[str]) -> int:
    """Run the job until it ends by itself, start to start where it dies; return its exit code."""
    lifeline, _ours = os.pipe()
    argv = [sys.executable, "-m", "model_in_db.precompute", *arguments, "--lifeline", str(lifeline)]
    while True:
        start = time.monotonic()
        code = subprocess.run(argv, pass_fds=[lifeline], check=False).returncode
        if code >= 0:
            return code
        with suppress(OSError):  # a log that is full ends nothing
            print(f"the batch job was ended by {signal.Signals(-code).name}; it is started again", file=sys.stderr)  # noqa: T201
        time.sleep(max(0.0, start + every - time.monotonic()))


def main() -> None:
    """Keep the job; Ctrl-C ends the keeper as any signal does."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # else whoever started us wants it ignored
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    sys.exit(keep(float(sys.argv[1]), sys.argv[2:]))


if __name__ == "__main__":
    main()
