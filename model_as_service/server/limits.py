"""What a process of the inference server sets for itself before anything else: signals and descriptors."""

import resource
import signal
from contextlib import suppress

# Those that end a process which does not know them, and that nobody sends in order to end one.
STRAY = tuple(
    number
    for name in ("SIGUSR1", "SIGUSR2", "SIGHUP", "SIGALRM", "SIGVTALRM", "SIGPROF", "SIGIO", "SIGPWR", "SIGSTKFLT")
    if (number := getattr(signal, name, None)) is not None
)


def ignore_strays() -> None:
    """Survive signals that are meant for the keeper, or for a later moment, when there is something to do."""
    for number in STRAY:
        signal.signal(number, signal.SIG_IGN)


def raise_files() -> None:
    """Have as many descriptors as this process may: each connection takes one."""
    files, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if files != most:
        with suppress(ValueError, OSError):  # macOS says "infinite" and means less
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
