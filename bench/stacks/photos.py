"""What lies in the user's folder of photos, as far as it matters here: which files can be read is for the product."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from bench.exits import UsageProblem
from bench.terminal import plain

SHOWN = 10  # photos that are left out


def files_in(folder: Path) -> list[Path]:
    """Return the files of a folder that are not hidden, in the order of their names."""
    return [path for path in _shown(folder) if path.is_file()]


def no_files(folder: Path) -> list[str]:
    """Return what is left out of the catalogue because it is neither file nor folder, with the reason."""
    odd = [path for path in _shown(folder) if not path.is_file() and not path.is_dir()]
    why = {True: "It is a pipe, a socket or a device.", False: "It is a link that leads nowhere."}
    return [plain(f"{path.name!r}: {why[path.exists()]}") for path in odd]


def check(folder: Path) -> None:
    """Raise UsageProblem where a folder holds no file at all."""
    if not folder.is_dir():
        raise UsageProblem(f"no photos in {folder}: {_advice('it is no folder')}")
    if not files_in(folder):
        folders = any(path.is_dir() for path in _shown(folder))
        raise UsageProblem(f"no photos in {folder}: {_advice('its subfolders are not searched' if folders else '')}")


def photos_left_out(told: Sequence[str]) -> list[str]:
    """Return the first photos that are not in the catalogue, with the reason, and how many more there are."""
    more = [f"  and {len(told) - SHOWN} more"] if len(told) > SHOWN else []
    return [f"photos left out: {len(told)}", *(f"  {each}" for each in told[:SHOWN]), *more] if told else []


def _advice(why: str) -> str:
    return f"{f'{why}; ' if why else ''}make them with `make setup`, or give a folder with --photos"


def _shown(folder: Path) -> Iterator[Path]:
    return (path for path in sorted(folder.iterdir()) if not path.name.startswith("."))
