"""What was found, for people: a table by group, and a last line with the sums."""

from collections.abc import Sequence
from itertools import groupby

from rich.console import Console
from rich.table import Table
from rich.text import Text

from bench.conformance.findings import EXTENSIONS, Group, Level, Result
from bench.conformance.subject import Subject

STYLES = {"pass": "green", "fail": "bold red", "not offered": "dim"}
PLAIN_WIDTH = 160  # of a pipe or a file, which have none of their own


def show(subject: Subject, results: Sequence[Result]) -> None:
    """Print the table and the last line."""
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = PLAIN_WIDTH
    console.print(table(subject, results))
    console.print(last_line(subject, results), soft_wrap=True)


def table(subject: Subject, results: Sequence[Result]) -> Table:
    """Return the table: a row for each check, and under a failed one what is asked and where that is written."""
    made = Table(
        title=f"Open Inference Protocol V2: model {subject.model} at {subject.client.url}", title_justify="left"
    )
    made.add_column("check", no_wrap=True)
    made.add_column("level", no_wrap=True)
    made.add_column("verdict", no_wrap=True)
    made.add_column("seen", overflow="fold")
    for group, rows in groupby(results, lambda each: each.group):
        made.add_section()
        made.add_row(Text(heading(subject, group), style="bold"))
        for each in rows:
            made.add_row(each.id, each.level, Text(each.verdict, style=STYLES[each.verdict]), Text(words(each)))
    return made


def heading(subject: Subject, group: Group) -> str:
    """Return the name of a group; of an extension also whether the server says that it has it."""
    told = " (advertised)" if subject.advertises(group) else " (not advertised)"
    return group + (told if group in EXTENSIONS else "")


def words(each: Result) -> str:
    """Return what was seen; of what failed also what is asked."""
    return f"{each.seen}\nasked: {each.asked} [{each.place}]" if each.verdict == "fail" else each.seen


def last_line(subject: Subject, results: Sequence[Result]) -> str:
    """Sum it up. What a server need not offer counts neither as passed nor as asked."""
    parts = [
        f"{of_level(results, 'required')} required checks pass",
        f"{of_level(results, 'customary')} customary ones",
    ]
    return f"{', '.join(parts)}; extensions: {', '.join(of_extension(subject, results, each) for each in EXTENSIONS)}."


def of_level(results: Sequence[Result], level: Level) -> str:
    """Count what passes of a level."""
    return counted([each for each in results if each.level == level])


def of_extension(subject: Subject, results: Sequence[Result], extension: Group) -> str:
    """Say how it stands with one extension."""
    of_it = [each for each in results if each.group == extension]
    if subject.advertises(extension):
        return f"{extension} {counted(of_it)}"
    works = sum(each.verdict == "pass" for each in of_it)
    return f"{extension} not advertised ({works} of {len(of_it)} work)" if works else f"{extension} not advertised"


def counted(results: Sequence[Result]) -> str:
    """Return how many pass of those that apply."""
    return (
        f"{sum(each.verdict == 'pass' for each in results)} of {sum(each.verdict != 'not offered' for each in results)}"
    )
