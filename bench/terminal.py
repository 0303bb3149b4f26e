"""What a terminal gets: nothing that moves its cursor or hides text, and no failure where nobody reads. At the bottom.

Names, logs and answers come from others. Whoever prints in `bench` prints with `say`.
"""

import errno
import io
import os
import sys
import tempfile
import unicodedata
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bench.exits import UsageProblem

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

# Control and format characters, halves of a pair, line separators: what moves a cursor or turns the order of letters.
UNSEEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
KEPT = frozenset("\n\t\N{ZERO WIDTH JOINER}\N{ZERO WIDTH NON-JOINER}")
COMPLAINTS = 2  # the number of stderr
NOBODY_READS = (errno.EPIPE, errno.EIO)  # the pipe was closed, or the terminal


def plain(text: str) -> str:
    """Return a text with what a terminal would obey, or not show, written as Python escapes it."""
    if text.isprintable():
        return text
    return "".join(
        each.encode("unicode_escape").decode() if unicodedata.category(each) in UNSEEN and each not in KEPT else each
        for each in text
    )


def rounded(value: float | None, digits: int = 3) -> str:
    """Return a number of so many significant digits, without an exponent: 1,660; `-` where there is none."""
    return "-" if value is None else f"{float(f'{value:.{digits}g}'):,.12g}"


def say(text: object, *, err: bool = False) -> None:
    """Print a text and a line end."""
    click.echo(plain(str(text)), err=err)


class Stream(io.FileIO):
    """A standard stream whose reader may go away, as `head` does: what is written then is lost, and nothing fails.

    Nor does anything where complaints go, whatever the reason: there is nowhere to complain of it.
    """

    def write(self, data: "ReadableBuffer", /) -> int:
        """Write; raises OSError where the reason is not that nobody reads."""
        try:
            return super().write(data)
        except OSError as error:
            with Path(os.devnull).open("wb") as nowhere:
                os.dup2(nowhere.fileno(), self.fileno())  # once told is enough, and the end of the program flushes
            if self.fileno() != COMPLAINTS and error.errno not in NOBODY_READS:
                raise
            return memoryview(data).nbytes


def open_streams() -> None:
    """Make the standard streams such that printing does not fail: closed ones, too, and for any text and encoding."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:  # closed: else the next file that is opened would get what is printed
            os.open(os.devnull, os.O_RDWR)
    sys.stdout, sys.stderr = stream(1), stream(2)


def stream(number: int) -> io.TextIOWrapper:
    """Return the standard stream of that number."""
    raw = Stream(number, "w", closefd=False)
    return io.TextIOWrapper(io.BufferedWriter(raw), errors="backslashreplace", line_buffering=True)


def check_names(names: Iterable[str]) -> None:
    """Raise UsageProblem where a name is not text: it could stand in no file of a run.

    Beside the given ones, such as the arguments, those of the folders that every path begins with.
    """
    try:
        folders = (str(Path.cwd()), str(Path(__file__)), tempfile.gettempdir())
    except OSError as error:  # the folder we are in has been removed, or no temporary folder can be written to
        raise UsageProblem(f"cannot work here: {error.strerror}") from error
    for name in (*names, *folders):
        try:
            name.encode()
        except UnicodeEncodeError as error:
            raise UsageProblem(
                f"{plain(name)} is not text in UTF-8, and so could not stand in the files of a run; "
                "give the file or folder another name, or name another one"
            ) from error
