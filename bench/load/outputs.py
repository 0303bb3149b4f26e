"""The file of samples: tried before anything is sent, written when all is over, and elsewhere where that fails."""

import json
import logging
import os
import secrets
import tempfile
from argparse import Namespace
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from itertools import repeat
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from bench.exits import UsageProblem
from bench.load.plan import Plan
from bench.load.samples import Samples
from bench.terminal import plain
from runfile.columns import ANSWERED, MEASURED, OUTCOME, SCHEDULED, TIME, Column, arrow_type, schema_of

ROW_BYTES = 128  # more than a request takes in the file
REPORTS = {"html_file": "--html", "json_file": "--json-file"}  # of Locust, which writes them at the end, too
State = tuple[int, int] | None  # of a file, which is another when somebody has written it; None: there is none
log = logging.getLogger("sweetspot")


def try_all(options: Namespace, rows: int) -> State:
    """Try everything that is to be written at the end: before the load is better than after it. Raises UsageProblem.

    Returns the state of the file of samples.
    """
    if options.samples:
        attempt(Path(options.samples), "--samples", rows)
        if state(options.samples):
            log.warning("%s is there already, and will be replaced", plain(options.samples))
    for name, option in REPORTS.items():
        if path := getattr(options, name, None):
            setattr(options, name, None)  # where this fails, Locust is not to try again
            with explained(path, option):
                Path(path).parent.mkdir(parents=True, exist_ok=True)  # as Locust does
            attempt(Path(path), option)
            setattr(options, name, path)
    return state(options.samples)


def state(path: str) -> State:
    """Return what tells whether somebody writes a file meanwhile."""
    try:
        found = Path(path).stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns


def attempt(path: Path, option: str, rows: int = 1) -> None:
    """Write as much as so many rows can take beside a file, and take it away again. Raises UsageProblem."""
    with explained(path, option):
        if path.exists() and not path.is_file():
            raise OSError(f"it is no file but a {'folder' if path.is_dir() else 'device'}")
        with replacing(path) as part, part.open("wb") as file:
            file.writelines(repeat(bytes(ROW_BYTES), rows))


@contextmanager
def explained(path: str | Path, option: str) -> Iterator[None]:
    """Say in words why something cannot be written."""
    try:
        yield
    except (OSError, ValueError) as error:  # a NUL in a name is a ValueError
        raise UsageProblem(f"cannot write to {path}: {reason(error)}; choose another {option}") from error


def reason(error: Exception) -> str:
    """Return what the system says of an error, without its number."""
    return getattr(error, "strerror", None) or str(error)


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield the name of a file to write beside another, and nobody else's; whatever happens, it does not stay."""
    part = path.with_name(f"{path.name}.{secrets.token_hex(4)}.part")
    try:
        yield part
    finally:
        part.unlink(missing_ok=True)


def save(options: Namespace, plan: Plan, samples: Samples, zero_ns: int, processes: int, before: State) -> None:
    """Write the samples, if a file was asked for, with what is known of all of them as the file's metadata.

    A file that was not there, or was another, `before` the load holds somebody else's samples, which stay.

    Raises UsageProblem where that fails, which says where they are instead: nobody measures an hour for nothing.
    """
    if not options.samples:
        return
    totals = {key: value for key, value in vars(samples).items() if key not in ("numbers", "words")}
    facts = {"zero_ns": zero_ns, "processes": processes, **totals}
    table = table_of(plan, samples).replace_schema_metadata({"sweetspot": json.dumps(facts)})
    try:
        with replacing(Path(options.samples)) as part:
            write_table(table, part)
            if state(options.samples) != before:
                raise OSError("another test has written it meanwhile")
            part.replace(options.samples)
    except (OSError, ValueError) as error:
        kept = save_elsewhere(table)
        raise UsageProblem(f"cannot write to {options.samples}: {reason(error)}; {kept}") from error


def save_elsewhere(table: pa.Table) -> str:
    """Write samples into a temporary file, or here, or at home, and say where they are."""
    homes: tuple[Callable[[], str | Path], ...] = (tempfile.gettempdir, Path.cwd, Path.home)
    for home in homes:
        try:
            handle, path = tempfile.mkstemp(prefix="sweetspot-samples-", suffix=".parquet", dir=home())
            os.close(handle)
        except (OSError, RuntimeError):  # the latter: nobody knows a home
            continue
        try:
            write_table(table, Path(path))
        except OSError:
            Path(path).unlink()
        else:
            return f"what was measured is in {path}"
    return "what was measured is lost: nothing can be written elsewhere either"


def write_table(table: pa.Table, path: Path) -> None:
    """Write a Parquet file, through a file as it was tried with: Arrow itself takes no name that is not UTF-8."""
    with path.open("wb") as file:
        pq.write_table(table, file)


def table_of(plan: Plan, samples: Samples) -> pa.Table:
    """Return one row for each scheduled request, whatever became of it; what only a trial knows is left out."""
    schedule, ids = plan.schedule, [target["id"] for target in plan.targets]
    found = {
        "case": [schedule.cases[case] for case in schedule.case],
        "step": schedule.step,
        "intended_ns": schedule.offset_ns,
        "photo_id": [ids[photo] for photo in schedule.photo],
        **{column.name: known(samples.numbers[column.name], column) for column in MEASURED},
        "outcome": samples.outcome.tolist(),
        **{column.name: words(samples.words[column.name], column) for column in ANSWERED},
    }
    columns = (*SCHEDULED, *MEASURED, OUTCOME, *ANSWERED)
    return pa.table([pa.array(found[column.name], arrow_type(column)) for column in columns], schema_of(columns))


def known(values: npt.NDArray[Any], column: Column) -> pa.Array:
    """Return numbers, null where the column's empty value stands."""
    empty = np.isnan(values) if values.dtype.kind == "f" else values == column.empty
    return pa.array(values, mask=empty)


def words(texts: Sequence[str | None], column: Column) -> Sequence[object]:
    """Return texts as what the column holds; a time that is none is left out, since it must not fail a good answer."""
    return [moment(text) for text in texts] if column.type == TIME else texts


def moment(text: str | None) -> datetime | None:
    """Read an RFC 3339 time."""
    try:
        return datetime.fromisoformat(text) if text else None
    except ValueError:
        return None
