"""Reads the TOML files that people write: profiles, thresholds, stacks, peers. Every mistake is told, with its key."""

import json
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar, TypeVar

from pydantic import AfterValidator, ConfigDict, Field

from bench.exits import UsageProblem
from runfile.decoding import decode
from runfile.files import content

MOST_BYTES = 1024 * 1024
TOO_DEEP = "it holds lists within lists within lists, too many to read"

T = TypeVar("T")


class Written:
    """Base of the dataclasses that are read from TOML: an unknown key is a mistake, and `"3"` is no number."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid", strict=True)


def _something(value: T) -> T:
    if not value:
        raise ValueError("must not be empty")
    return value


def _one_line(text: str) -> str:
    if not text.isprintable():
        raise ValueError("must be one line of text that can be shown")
    return text


def _no_nul(text: str) -> str:
    if "\0" in text:
        raise ValueError("must not hold a NUL, which ends a text where processes are started")
    return text


def _a_command(argv: tuple[str, ...]) -> tuple[str, ...]:
    if not argv:
        raise ValueError("must not be empty")
    if not argv[0].strip():
        raise ValueError("must begin with the program to start")
    return argv


def _name_of_variable(name: str) -> str:
    if not name or "=" in name or not name.isprintable():
        raise ValueError(f'{name!r} cannot name a variable: it is empty, or holds a "=" or what cannot be shown')
    return name


def _name_of_process(name: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}", name):
        raise ValueError(f"{name!r} must be up to 64 letters, digits, - and _: a log file and fields are called so")
    return name


def _path_to_ask(text: str) -> str:
    if not re.fullmatch(r"/[!-\"$-~]*", text):
        raise ValueError('must be a path such as "/readyz", with spaces and letters beyond ASCII percent-encoded')
    return text


Filled = AfterValidator(_something)
Words = Annotated[str, Filled, AfterValidator(_one_line)]
Argument = Annotated[str, AfterValidator(_no_nul)]
Command = AfterValidator(_a_command)
Argv = Annotated[tuple[Argument, ...], Command]
VariableName = Annotated[str, AfterValidator(_name_of_variable)]
Variables = Mapping[VariableName, Argument]
ProcessName = Annotated[str, AfterValidator(_name_of_process)]
HttpPath = Annotated[str, AfterValidator(_path_to_ask)]
# All numbers have bounds: beyond them nothing can be measured, and a run that says them could not be read again.
MOST = 1_000_000_000_000
Real = Annotated[float, Field(ge=-MOST, le=MOST, allow_inf_nan=False)]
NotNegative = Annotated[float, Field(ge=0, le=MOST, allow_inf_nan=False)]
Positive = Annotated[float, Field(gt=0, le=MOST, allow_inf_nan=False)]
Number = Annotated[int, Field(ge=0, le=MOST)]
Count = Annotated[int, Field(ge=1, le=MOST)]


def load(path: Path, kind: type[T], what: str = "") -> T:
    """Read a file as a dataclass; `what` says in an error what should be there. Raises UsageProblem."""
    return decoded(read_toml(path, what), kind, str(path))


def decoded(values: object, kind: type[T], where: str) -> T:
    """Return what was read from a file, or a part of it, as a dataclass; `where` it stands. Raises UsageProblem."""
    try:
        return decode(kind, json.dumps(values, default=str))  # TOML's infinity survives; its dates become texts
    except ValueError as error:  # Malformed is one; another: an integer of thousands of digits
        raise UsageProblem(f"{where}: {error}") from error
    except RecursionError as error:
        raise UsageProblem(f"{where}: {TOO_DEEP}") from error


def read_toml(path: Path, what: str = "") -> dict[str, Any]:
    """Read a file; `what` says in an error what should be there. Raises UsageProblem."""
    try:
        return tomllib.loads(content(path, MOST_BYTES).decode())
    except OSError as error:
        hint = f"; {what}" if what else ""
        raise UsageProblem(f"{path} cannot be read: {error.strerror}{hint}") from error
    except ValueError as error:  # bytes that are no text, text that is no TOML, an integer of thousands of digits
        raise UsageProblem(f"{path} is not valid TOML: {error}") from error
    except RecursionError as error:
        raise UsageProblem(f"{path}: {TOO_DEEP}") from error


def read_profile(name: str, experiment: str, ours: Path, kind: type[T]) -> T:
    """Return an experiment's profile of that name, or its table in the TOML file of that path. Raises UsageProblem."""
    mine = name.endswith(".toml")
    tables, key = (read_toml(Path(name)), experiment) if mine else (read_toml(ours), name)
    if mine and key not in tables:
        raise UsageProblem(f"{name}: no table [{key}]: a profile has a table for each experiment of the run")
    if key not in tables:
        raise UsageProblem(f"unknown profile {name!r}: known are {', '.join(tables)}; or give the path of a .toml file")
    return decoded(tables[key], kind, f"{name if mine else ours}: {key}")
