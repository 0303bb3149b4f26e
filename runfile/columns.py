"""The columns of a run's tables, once: arrays, messages between processes and Parquet files follow from them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa

NEVER = -(2**63)  # the time of what did not happen; no other time is so early
NO_STATUS = 0
STAGES = ("app", "db", "decode", "queue", "infer")
TIME = "timestamp"


@dataclass(frozen=True)
class Column:
    """One column: its type in Parquet, what it means, and what an array holds where there is nothing.

    Without an `empty`, there is always a value.
    """

    name: str
    type: str
    about: str
    empty: float | str | None = None


# What a trial says of all its requests, what the schedule says of each, and what became of it.
OF_TRIAL = (
    Column("experiment", "string", "the experiment that sent it"),
    Column("trial", "int32", "number of the trial, from 1"),
    Column("block", "int32", "number of the block, from 1"),
    Column("variant", "string", "who was asked"),
    Column("offered_per_s", "float64", "predictions offered per second at that time"),
    Column("counted", "bool", "whether numbers are computed from it: not in the warm-up, not in a repeated trial"),
)
SCHEDULED = (
    Column("case", "string", "class of the route"),
    Column("step", "int32", "step or turn of the trial, from 0; the warm-up is -1"),
    Column("intended_ns", "int64", "when it was due, ns from the start of the window"),
    Column("photo_id", "string", "the photo that was asked for"),
)
MEASURED = (
    Column("sent_ns", "int64", "when it was sent", NEVER),
    Column("done_ns", "int64", "when its last byte was read, or it was given up", NEVER),
    Column("status", "int32", "HTTP status", NO_STATUS),
    *(Column(f"stage_{stage}_ms", "float64", f"milliseconds of the stage {stage}", float("nan")) for stage in STAGES),
)
ANSWERED = (
    Column("model_version", "string", "version of the model that answered"),
    Column("source", "string", "live, stored or fallback"),
    Column("photo_version", "string", "version of the photo that was scored"),
    Column("input_read_at", TIME, "when the model's input was read"),
    Column("predicted_at", TIME, "when the prediction was made"),
)
OUTCOME = Column("outcome", "string", "ok, or in which way it failed")
REQUESTS = (*OF_TRIAL, *SCHEDULED, *MEASURED, OUTCOME, *ANSWERED)
ALWAYS = ("experiment", "trial", "block", "variant", "counted", "case", "step", "intended_ns", "process", "t_ns")
PROCESSES = (
    Column("experiment", "string", "the experiment"),
    Column("trial", "int32", "number of the trial, from 1"),
    Column("variant", "string", "whose process it is"),
    Column("process", "string", "its name in the stack file; `generator` is the load generator"),
    Column("t_ns", "int64", "when, ns from the start of the window"),
    Column("cpu_percent", "float64", "CPU since the sample before; 100 is one core"),
    Column("rss_bytes", "int64", "resident memory of the process tree"),
    Column("threads", "int32", "threads of the process tree"),
)


def arrow_type(column: Column) -> pa.DataType:
    """Return the type of a column in Parquet."""
    import pyarrow as pa

    return pa.timestamp("us", tz="UTC") if column.type == TIME else pa.type_for_alias(column.type)


@cache
def schema_of(columns: Sequence[Column]) -> pa.Schema:
    """Return the Parquet schema of these columns."""
    import pyarrow as pa

    return pa.schema([(column.name, arrow_type(column)) for column in columns])


def filled(table: pa.Table, columns: Sequence[Column], **same: object) -> pa.Table:
    """Return a table with exactly these columns: `same` gives the value of whole columns, what nobody gives is null."""
    import pyarrow as pa

    schema, parts = schema_of(columns), []
    for field in schema:
        if field.name in same:
            parts.append(pa.array([same[field.name]] * len(table), field.type))
        elif field.name in table.column_names:
            parts.append(table[field.name].cast(field.type))
        else:
            parts.append(pa.nulls(len(table), field.type))
    return pa.table(parts, schema=schema)
