"""`sweetspot compare BASE NEW` from beginning to end: read, compare, print, and the exit code."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bench.comparing import latency, machine, peers, side, words
from bench.comparing.machine import Movement
from bench.comparing.row import UNTOLD, Row
from bench.exits import Exit, UsageProblem, write
from bench.session.writeup import INTACT
from bench.terminal import say
from runfile import Recorded, RunFileError, read
from runfile.decoding import encode

SCHEMA = "sweetspot.compare/2"
COMPARERS = {"latency": latency, "peers": peers}  # alike: `side` of a run, `compare` two, LEGEND, NAMES of metrics


@dataclass(frozen=True)
class Part:
    """Everything that is said about one experiment of two runs, in the order in which it is said."""

    not_valid: Sequence[str]
    machine: Sequence[Movement]
    obstacles: Sequence[str]
    differences: Sequence[str]
    rows: Sequence[Row]

    @property
    def verdicts(self) -> Counter[str]:
        """How many rows have which verdict."""
        return Counter(row.verdict for row in self.rows)


@dataclass(frozen=True)
class Comparison:
    """Two runs, and what is said about each experiment that both have."""

    base: str
    new: str
    same_run: bool
    alone: Sequence[str]  # which experiments only one of them has
    experiments: Mapping[str, Part]

    @property
    def code(self) -> Exit:
        """What the shell gets: validity first, then whether something is surely slower."""
        if any(part.not_valid for part in self.experiments.values()):
            return Exit.NOT_VALID
        slower = any(part.verdicts["slower"] for part in self.experiments.values())
        return Exit.THRESHOLD_MISSED if slower else Exit.OK


def compare(base: Path, new: Path, out: Path | None) -> Exit:
    """Compare two run folders and print what was found. Raises UsageProblem if they cannot be compared."""
    try:
        found = comparison(read(base), read(new))
    except RunFileError as error:
        raise UsageProblem(str(error)) from error
    except ArithmeticError as error:
        both = f"{base} and {new}"
        raise UsageProblem(f"of {both}, one has numbers that contradict each other ({error}); {INTACT}") from error
    say("\n".join(lines(found)))
    if out is not None:
        save(found, out)
    return found.code


def comparison(base: Recorded, new: Recorded) -> Comparison:
    """Compare two runs. Raises UsageProblem if they have nothing in common, RunFileError if one is damaged."""
    both = [name for name in COMPARERS if name in base.run.found and name in new.run.found]
    if not both:
        raise UsageProblem(side.nothing_in_common(base, new))
    parts = {name: part(name, *map(COMPARERS[name].side, (base, new))) for name in both}
    alone = side.only("", base.run.found, new.run.found)
    return Comparison(base.run.id, new.run.id, base.path.resolve() == new.path.resolve(), alone, parts)


def part(name: str, base: Any, new: Any) -> Part:  # noqa: ANN401 - two sides of the same kind
    """Compare one experiment of two runs. Raises UsageProblem if they have no variant in common."""
    if not set(base.variants) & set(new.variants):
        have = " and ".join(", ".join(each.variants) or "none" for each in (base, new))
        raise UsageProblem(f"the runs have no variant in common: {have}; run the same variants twice")
    moved = machine.movements(base, new)
    band = machine.band(moved)
    invalid, obstacles = side.not_valid(base, new), side.obstacles(base, new, band)
    table = COMPARERS[name].compare(base, new, band)
    if invalid or obstacles:
        table = [row if row.verdict == "not comparable" else replace(row, verdict=UNTOLD, why="") for row in table]
    return Part(invalid, moved, obstacles, side.differences(base, new), table)


def lines(found: Comparison) -> list[str]:
    """Return everything for people."""
    same = ["BASE and NEW are the same run."] if found.same_run else []
    head = [f"BASE {found.base}", f"NEW  {found.new}", *same, *found.alone]
    several = len(found.experiments) > 1
    texts = [head] if several else []
    for name, each in found.experiments.items():
        texts += [
            [*([f"{name}:"] if several else head), *each.not_valid],
            words.machine_words(each.machine),
            ["The runs also differ in:", *(f"  {line}" for line in each.differences)] if each.differences else [],
            [*words.table(each.rows, COMPARERS[name].NAMES), *COMPARERS[name].LEGEND],
            closing(each),
        ]
    return "\n\n".join("\n".join(text) for text in texts if text).splitlines()


def closing(found: Part) -> list[str]:
    """Say what it comes to."""
    if found.not_valid:
        return ["Not valid: nothing is claimed."]
    if found.obstacles:
        return [f"Nothing is claimed: {'; '.join(found.obstacles)}."]
    told = [f"{found.verdicts[word]} {word}" for word in ("slower", "faster") if found.verdicts[word]]
    compared = len(found.rows) - found.verdicts["not comparable"]
    return [f"NEW against BASE: {', '.join(told) or 'no difference told'}, of {compared} numbers compared."]


def save(found: Comparison, path: Path) -> None:
    """Write the same as JSON. Raises UsageProblem."""
    write(path, encode({"schema": SCHEMA, **vars(found), "exit_code": found.code}), "--json")
