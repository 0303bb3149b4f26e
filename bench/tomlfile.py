"""Reads the TOML files that people write: profiles, thresholds, stacks, peers. Every mistake is told, with its key."""

import json
import tomllib
from pathlib import Path
from typing import Annotated, Any, ClassVar, TypeVar

from pydantic import AfterValidator, ConfigDict, Field

from bench.exits import UsageProblem
from runfile.decoding import Malformed, decode

T = TypeVar("T")


class Written:
    """Base of the dataclasses that are read from TOML: an unknown key is a mistake, and `"3"` is no number."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid", strict=True)


def _something(value: T) -> T:
    if not value:
        raise ValueError("must not be empty")
    return value


Filled = AfterValidator(_something)
Words = Annotated[str, Filled]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=1)]


def load(path: Path, kind: type[T], what: str = "") -> T:
    """Read a file as a dataclass; `what` says in an error what should be there. Raises UsageProblem."""
    return decoded(read_toml(path, what), kind, str(path))


def decoded(values: object, kind: type[T], where: str) -> T:
    """Return what was read from a file, or a part of it, as a dataclass; `where` it stands. Raises UsageProblem."""
    try:
        return decode(kind, json.dumps(values, default=str))  # TOML's infinity survives; its dates become texts
    except Malformed as error:
        raise UsageProblem(f"{where}: {error}") from error


def read_toml(path: Path, what: str = "") -> dict[str, Any]:
    """Read a file; `what` says in an error what should be there. Raises UsageProblem."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        hint = f"; {what}" if what else ""
        raise UsageProblem(f"{path} cannot be read: {error.strerror}{hint}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageProblem(f"{path} is not valid TOML: {error}") from error


def read_profile(name: str, experiment: str, ours: Path, kind: type[T]) -> T:
    """Return an experiment's profile of that name, or its table in the TOML file of that path. Raises UsageProblem."""
    mine = name.endswith(".toml")
    tables, key = (read_toml(Path(name)), experiment) if mine else (read_toml(ours), name)
    if mine and key not in tables:
        raise UsageProblem(f"{name}: no table [{key}]: a profile has a table for each experiment of the run")
    if key not in tables:
        raise UsageProblem(f"unknown profile {name!r}: known are {', '.join(tables)}; or give the path of a .toml file")
    return decoded(tables[key], kind, f"{name if mine else ours}: {key}")
