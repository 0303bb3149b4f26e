"""Exit codes of the command line and the failures that carry them; the bottom of `bench`, imports nothing of it."""

from enum import IntEnum
from pathlib import Path


class Exit(IntEnum):
    """What the shell gets. Stable: scripts and CI decide by these numbers."""

    OK = 0
    BUG = 1
    USAGE = 2
    NOT_READY = 3
    WRONG_ANSWERS = 4
    NOT_VALID = 5
    THRESHOLD_MISSED = 6
    INTERRUPTED = 130


MEANING = {
    Exit.OK: "all went well",
    Exit.BUG: "a bug in sweetspot (the message names the file with the details)",
    Exit.USAGE: "wrong usage, or a file that cannot be read",
    Exit.NOT_READY: "a stack did not get ready, or died",
    Exit.WRONG_ANSWERS: "the variants do not give the same answers, so their speed cannot be compared",
    Exit.NOT_VALID: "the run is not valid: its numbers must not be used (quick and full only)",
    Exit.THRESHOLD_MISSED: "a threshold was missed",
    Exit.INTERRUPTED: "interrupted by Ctrl-C; what was measured is saved",
}


class Failure(Exception):  # noqa: N818 - it is the base of a small tree, its leaves say what failed
    """Something the user can act on. The message says what is wrong and what to do; it is shown without a traceback."""

    code = Exit.BUG


class UsageProblem(Failure):
    """The command line or a file that it names is wrong."""

    code = Exit.USAGE


class TrialFailed(Failure):
    """One trial gave nothing; another one may. What becomes of it is decided by `session.failures` alone."""


class StackFailed(TrialFailed):
    """A process of a stack did not start, did not get ready, or died."""

    code = Exit.NOT_READY


class WrongAnswers(Failure):
    """Two variants answer differently for the same photo, or one does not answer properly."""

    code = Exit.WRONG_ANSWERS


class GeneratorFailed(TrialFailed):
    """The load generator did not finish its schedule; nothing can be said about the variant."""

    code = Exit.NOT_VALID


class CanaryFailed(TrialFailed):
    """The speed of the machine could not be measured around a trial."""

    code = Exit.NOT_VALID


def write(path: Path, text: str, option: str) -> None:
    """Write a file that the user named by an option. Raises UsageProblem."""
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageProblem(f"cannot write to {path}: {error.strerror}; choose another {option}") from error
