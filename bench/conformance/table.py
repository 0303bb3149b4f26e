"""What was found, for people: a table by group, and a last line with the sums."""

from collections.abc import Sequence
from itertools import groupby

from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from bench.conformance.checks import EXTENSIONS, Group, Result
from bench.conformance.subject import Subject
from bench.terminal import plain

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
    columns = [*(Column(name, no_wrap=True) for name in ("check", "level", "verdict")), Column("seen", overflow="fold")]
    title = plain(f"Open Inference Protocol V2: model {subject.model} at {subject.client.url}")
    made = Table(*columns, title=Text(title), title_justify="left")
    for group, rows in groupby(results, lambda each: each.group):
        made.add_section()
        advertised = " (advertised)" if subject.advertises(group) else " (not advertised)"
        made.add_row(Text(group + (advertised if group in EXTENSIONS else ""), style="bold"))
        for each in rows:
            asked = f"\nasked: {each.asked} [{each.place}]" if each.verdict == "fail" else ""
            made.add_row(
                each.id, each.level, Text(each.verdict, style=STYLES[each.verdict]), Text(plain(each.seen + asked))
            )
    return made


def last_line(subject: Subject, results: Sequence[Result]) -> str:
    """Sum it up."""
    of = {level: passed([each for each in results if each.level == level]) for level in ("required", "customary")}
    extensions = ", ".join(of_extension(subject, results, each) for each in EXTENSIONS)
    return f"{of['required']} required checks pass, {of['customary']} customary ones; extensions: {extensions}."


def of_extension(subject: Subject, results: Sequence[Result], extension: Group) -> str:
    """Say how it stands with one extension."""
    of_it = [each for each in results if each.group == extension]
    if subject.advertises(extension):
        return f"{extension} {passed(of_it)}"
    works = sum(each.verdict == "pass" for each in of_it)
    return f"{extension} not advertised" + (f" ({works} of {len(of_it)} work)" if works else "")


def passed(results: Sequence[Result]) -> str:
    """Return how many pass of those that apply: what need not be offered counts neither as passed nor as asked."""
    verdicts = [each.verdict for each in results if each.verdict != "not offered"]
    return f"{verdicts.count('pass')} of {len(verdicts)}"
