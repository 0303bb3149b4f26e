"""The canary: a fixed piece of work, timed on the system's cores, that tells how fast the machine is right now.

It computes without touching memory, disk or network, so its time moves only when the cores get slower or are shared:
a neighbour on the same host, a lower clock, a busy hyper-thread. Run as a script it is the child that does the work;
that child needs only the standard library, so that nothing but the work is timed.
"""

import hashlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass
from statistics import median

ITERATIONS = 28_000  # about 20 ms on the small cloud machine that this was written on
ROUNDS = 20
DEADLINE_S = 60.0


@dataclass(frozen=True)
class Canary:
    """Wall milliseconds of every round of the same work."""

    ms: list[float]

    @property
    def median(self) -> float:
        """The speed of the machine, robust against single interruptions."""
        return median(self.ms)


def measure(cores: Iterable[int], rounds: int = ROUNDS) -> Canary:
    """Time the work in a child on the given cores, about 20 ms a round. Raises CanaryFailed.

    Nobody cleans up behind the child: it ends by itself within seconds, also when the harness is gone.
    """
    argv = [sys.executable, "-I", "-S", __file__, str(rounds), *(str(core) for core in cores)]
    try:
        done = subprocess.run(argv, capture_output=True, text=True, check=True, timeout=DEADLINE_S)
        return Canary([float(ms) for ms in json.loads(done.stdout)])
    except (OSError, subprocess.SubprocessError, ValueError) as error:
        raise failed(error) from error


def failed(error: Exception) -> Exception:
    """Return the failure. Imported here, since the child that does the work sees the standard library only."""
    from bench.exits import CanaryFailed

    said = (getattr(error, "stderr", "") or "").strip().splitlines()
    why = f"{error}: {said[-1]}" if said else str(error)
    return CanaryFailed(f"the canary, a fixed piece of work on the system's cores, could not be timed: {why}")


def work() -> float:
    """Do the work once; return how many milliseconds it took."""
    began = time.perf_counter_ns()
    hashlib.pbkdf2_hmac("sha256", b"sweetspot", b"canary", ITERATIONS)
    return (time.perf_counter_ns() - began) / 1e6


def main(rounds: int, cores: list[int]) -> None:
    """Print the milliseconds of every round as JSON; the first one, which only wakes the core, is left out."""
    if cores and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, cores)
    work()
    print(json.dumps([work() for _ in range(rounds)]))  # noqa: T201 - read by the parent


if __name__ == "__main__":
    main(int(sys.argv[1]), [int(core) for core in sys.argv[2:]])
