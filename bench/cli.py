"""The command line `sweetspot`: run the comparison, start one variant, report a run. Heavy imports come late."""

import errno
import os
import signal
import sys
import tempfile
import time
import traceback
import warnings
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

import click

from bench import experiments
from bench.exits import MEANING, Exit, Failure
from bench.processes import surroundings
from bench.terminal import check_names, open_streams, say

ROOT = Path(__file__).resolve().parents[1]
EXITS = "\b\nExit codes:\n" + "\n".join(f"  {code.value:>3}  {meaning}" for code, meaning in MEANING.items())
COMPARE_EXITS = f"""\b
Exit codes:
  {Exit.OK:>3}  nothing is surely slower
  {Exit.USAGE:>3}  a folder is no run or is damaged, or the runs have no experiment or variant in common
  {Exit.NOT_VALID:>3}  one of the runs is not valid, so nothing is claimed
  {Exit.THRESHOLD_MISSED:>3}  something is surely slower"""
CONFORMANCE_EXITS = f"""\b
Exit codes:
  {Exit.OK:>3}  all that is required, and all of every extension that the server advertises
  {Exit.USAGE:>3}  no such model, or wrong usage
  {Exit.NOT_READY:>3}  the server cannot be reached
  {Exit.THRESHOLD_MISSED:>3}  something of that is missing"""
STOPPING_S = 10.0  # what it takes at most to stop everything
UNLOADED = ("failed to map segment", "cannot allocate memory")  # says the loader of a library
NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EFBIG)


class Named(click.Path):
    """A path that has a name: an empty one, such as of a variable that is not set, would be the current folder."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:  # noqa: ANN401
        """Return the path. Fails where the text is empty."""
        if not os.fspath(value):
            self.fail("it is empty; give the path of a file or folder", param, ctx)
        return super().convert(value, param, ctx)


NAMED = Named(path_type=Path)
photos_option = click.option(
    "--photos", type=NAMED, default=ROOT / "data" / "catalogue", show_default="data/catalogue",
    help="Folder with the photos of the catalogue.",
)  # fmt: skip


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}, epilog=EXITS)
def sweetspot() -> None:
    """Compare where the model of an ML-powered product lives, on one photo product."""


@sweetspot.command(epilog=EXITS)
@click.argument("names", nargs=-1, type=click.Choice(experiments.ALL), metavar="[EXPERIMENT]...")
@click.option("--profile", default="quick", show_default=True,
              help="smoke (no claims), quick, full, or a .toml file with a table for each experiment.")  # fmt: skip
@click.option(
    "--variants",
    multiple=True,
    help="Names or folders, with commas between or in several options. Default: all that are found.",
)
@click.option("--peers", multiple=True, help="Names of inference servers, likewise. Default: all.")
@click.option("--out", type=NAMED, default=Path("runs"), show_default=True,
              help="Folder in which the run gets its own folder.")  # fmt: skip
@click.option(
    "--seed", type=click.IntRange(0, 2**63 - 1), default=1, show_default=True, help="Seed of arrivals and orders."
)
@photos_option
@click.option("--expectations", type=NAMED, default=None, help="Your own thresholds, as TOML.")
def run(names: Sequence[str], variants: Sequence[str], peers: Sequence[str], photos: Path, **rest: Any) -> None:  # noqa: ANN401 - as they are
    """Put the same load on everybody and compare them, in one folder and one report.

    EXPERIMENT is latency: the variants of the product at low load and under rising load (1, 2 1/2 or 20 minutes). Or
    peers: our inference server beside those that others use, with the same model (installs what is missing; 1, 7 or 27
    minutes). Without one, all experiments of the product.
    """
    chosen = tuple(dict.fromkeys(names)) or experiments.PRODUCT
    asked = experiments.Asked(
        chosen, variants=names_in(variants), peers=names_in(peers), photos=photo_folder(photos), **rest
    )
    raise SystemExit(experiments.run(asked))


@sweetspot.command()
@click.argument("variant")
@click.option(
    "--port", type=click.IntRange(1, 65535), default=None, help="Port of the web pages. Default: any free one."
)
@photos_option
def up(variant: str, port: int | None, photos: Path) -> None:
    """Start one VARIANT and keep it running until Ctrl-C."""
    from bench.stacks import stack
    from bench.stacks.up import keep_up

    keep_up(stack.find([variant])[0], photo_folder(photos), port)


@sweetspot.command()
@click.argument("run", type=NAMED)
def report(run: Path) -> None:
    """Make the report of a RUN folder again, and before it results.csv from the raw files."""
    from bench.session import writeup

    say(writeup.again(run, experiments.by_name()))


@sweetspot.command(epilog=COMPARE_EXITS)
@click.argument("base", type=NAMED)
@click.argument("new", type=NAMED)
@click.option("--json", "out", type=NAMED, default=None, help="Also write it as data to this file.")
def compare(base: Path, new: Path, out: Path | None) -> None:
    """Say what is slower or faster in run NEW than in run BASE, two folders that `run` made.

    The machine comes first: by how much it moved between the runs. A difference is claimed only if it is surely more
    than that, and larger than the noise floor of the runs; so the full profile is needed for any claim.
    """
    from bench.comparing.compare import compare

    raise SystemExit(compare(base, new, out))


@sweetspot.command(epilog=EXITS)
@click.option("--calibrate", is_flag=True,
              help="Also try the load generator on servers with known answers (five more minutes).")  # fmt: skip
@click.option("--out", type=NAMED, default=None, help="JSON file for everything that was found.")
@photos_option
def doctor(photos: Path, out: Path | None, *, calibrate: bool) -> None:
    """Say within half a minute what this machine can and cannot measure."""
    from bench.doctor.consult import consult

    raise SystemExit(consult(photos, calibrate=calibrate, out=out))


@sweetspot.command(epilog=CONFORMANCE_EXITS)
@click.argument("url")
@click.option("--model", default=None, help="Name of the model. Default: the first of the server's repository index.")
@click.option("--version", default=None, help="Version of the model. Default: none in the paths.")
@click.option("--bytes", "content", type=NAMED, default=None,
              help="File for inputs of datatype BYTES. Default: a small photo.")  # fmt: skip
@click.option("--json", "out", type=NAMED, default=None, help="Also write it as data to this file.")
def conformance(url: str, model: str | None, version: str | None, content: Path | None, out: Path | None) -> None:
    """Say what the inference server at URL fulfils of the Open Inference Protocol V2 (REST), check by check.

    Works on any server. Asks about eighty small requests, right and wrong ones; loads and unloads nothing.
    """
    from bench.conformance.run import conformance

    raise SystemExit(conformance(url, model, version, content, out))


def names_in(texts: Sequence[str]) -> list[str]:
    """Return the names of an option that takes several; one that is a folder may have commas in its path."""
    parts = (part for text in texts for part in ([text] if Path(text).is_dir() else text.split(",")))
    return [name.strip() for name in parts if name.strip()]


def photo_folder(folder: Path) -> Path:
    """Return the folder if it has files in it. Raises UsageProblem."""
    from bench.stacks import photos

    photos.check(folder)
    return folder.resolve()


def complain(failure: Failure) -> None:
    """Say what is wrong."""
    say(f"sweetspot: {failure}", err=True)


class StopInOrder:
    """Treats SIGTERM and a closed terminal like Ctrl-C: everything is stopped and saved.

    Who asks again at once is heard already; else the stopping would be stopped, and leave folders and processes behind.
    """

    def __init__(self) -> None:
        self._deaf_until = 0.0

    def __call__(self, _number: int, _frame: FrameType | None) -> None:
        """Raise KeyboardInterrupt, once in a while."""
        if time.monotonic() >= self._deaf_until:
            self._deaf_until = time.monotonic() + STOPPING_S
            raise KeyboardInterrupt


def bug() -> int:
    """Keep the traceback in a file and name it: it is for us, not for the user."""
    handle, path = tempfile.mkstemp(prefix="sweetspot-bug-", suffix=".txt")
    with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace") as file:
        traceback.print_exc(file=file)
    say(f"sweetspot: a bug: {sys.exception()!r}; please report it with {path}", err=True)
    return Exit.BUG


def system_says_no(error: OSError | MemoryError | ImportError) -> int:
    """Say which file cannot be used, or what is full; an error of the system about neither is a bug of ours."""
    if lacks_memory(error):
        say("sweetspot: not enough memory; end other programs, or raise the limit (ulimit -v), and try again", err=True)
        return Exit.USAGE
    if not isinstance(error, OSError):
        return bug()
    if error.filename is None and error.errno not in NO_ROOM:
        return bug()
    what = "cannot write" if error.filename is None else f"cannot use {os.fsdecode(error.filename)}"
    say(f"sweetspot: {what}: {error.strerror}", err=True)
    return Exit.USAGE


def lacks_memory(error: Exception) -> bool:
    """Tell whether there was no memory: for an object, for a process or a mapping, for the code of a library."""
    words = str(error).lower()
    return (
        isinstance(error, MemoryError)
        or (isinstance(error, OSError) and error.errno == errno.ENOMEM)
        or (isinstance(error, ImportError) and any(each in words for each in UNLOADED))
    )


def main() -> NoReturn:
    """Run the command line; the only place that turns failures into messages and exit codes."""
    open_streams()
    surroundings.forget()
    warnings.simplefilter("default" if sys.warnoptions else "ignore")  # they are for us, not for the user
    stop_in_order = StopInOrder()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if (
            signal.getsignal(number) is not signal.SIG_IGN
        ):  # `nohup` has said that a closed terminal is no reason to stop
            signal.signal(number, stop_in_order)
    try:
        check_names(sys.argv)
        sweetspot.main(prog_name="sweetspot", standalone_mode=False)
        code: int = Exit.OK
    except Failure as failure:
        complain(failure)
        code = failure.code
    except click.ClickException as error:
        error.show()
        code = error.exit_code
    except (KeyboardInterrupt, click.Abort):
        code = Exit.INTERRUPTED
    except (OSError, MemoryError, ImportError) as error:
        code = system_says_no(error)
    except Exception:  # noqa: BLE001 - whatever else it is, no traceback reaches a user
        code = bug()
    sys.exit(code)


if __name__ == "__main__":
    main()
