"""The command `sweetspot`: our own packages before those of PYTHONPATH and of the current folder, then `bench.cli`.

It has a name that nobody else has: where another `bench` or `reports` comes first, ours is never asked.
"""

import os
import sys

INTERRUPTED = 130  # as in `bench.exits`, which takes its time to import


def main() -> None:
    """Run the command line; Ctrl-C before it can hear it, or after, is no reason for a traceback either."""
    try:
        only_ours()
        from bench.cli import main as run

        run()
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)


def only_ours() -> None:
    """Let nothing be importable but what is installed and what is ours."""
    from pathlib import Path

    foreign = {absolute(place) for place in os.environ.get("PYTHONPATH", "").split(os.pathsep)}
    installed = [
        place for place in sys.path if absolute(place) not in foreign or place.startswith((sys.prefix, sys.base_prefix))
    ]
    sys.path[:] = [str(Path(__file__).resolve().parent), *installed]


def absolute(place: str) -> str:
    """Return an absolute path, or the relative one where the current folder has been removed: it leads nowhere."""
    try:
        return os.path.abspath(place)  # noqa: PTH100  (as the import system does)
    except OSError:
        return place
