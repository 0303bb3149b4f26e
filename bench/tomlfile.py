"""Reads the TOML files that people write: profiles, thresholds, stacks. A mistake is a message, never a traceback."""

import tomllib
from pathlib import Path
from typing import Any

from bench.exits import UsageProblem


def read_toml(path: Path, what: str = "") -> dict[str, Any]:
    """Read a file; `what` says in an error what should be there. Raises UsageProblem."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        hint = f"; {what}" if what else ""
        raise UsageProblem(f"{path} cannot be read: {error.strerror}{hint}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageProblem(f"{path} is not valid TOML: {error}") from error


def read_profile(name: str, ours: Path) -> tuple[Any, str, str]:
    """Return a profile's table, its name and where it stands: one of ours, or the TOML file of that path.

    Raises UsageProblem.
    """
    if name.endswith(".toml"):
        return read_toml(Path(name)), Path(name).stem, name
    known = read_toml(ours)
    if name not in known:
        raise UsageProblem(f"unknown profile {name!r}: known are {', '.join(known)}; or give the path of a .toml file")
    return known[name], name, f"{ours}: {name}"
