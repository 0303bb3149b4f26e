"""How much load an architecture carries within its SLO, as brackets in words and tables."""

from reports.reading.view import View
from reports.section import ABSENT, Cell, Row, Table
from reports.wording import exact, listed, number, rate
from runfile.facts import Capacity, Latency, Point

UNDECIDED = "undecided"
MARKS = {"pass": "✓ pass", "fail": "✕ fail", UNDECIDED: "\N{EN DASH} undecided"}


def brackets(view: View[Latency]) -> list[Capacity]:
    """Return the brackets of the architectures, in their order."""
    return [each for name in view.variants for each in view.found.capacity if each.variant == name]


def words(bracket: Capacity) -> str:
    """Return a bracket in words, without its unit; a bound that no measured rate gives is not made up."""
    if bracket.low is not None and bracket.high is not None:
        return f"between {rate(bracket.low)} and {rate(bracket.high)}"
    if bracket.low is not None:
        return f"at least {rate(bracket.low)}"
    return UNDECIDED if bracket.high is None else f"below {rate(bracket.high)}"


def slo(bracket: Capacity) -> str:
    """Return the objective in words."""
    return f"at most {exact(bracket.share, 'share')} slower than {exact(bracket.slo_ms, 'ms')}"


def sentence(view: View[Latency]) -> str:
    """Return all brackets in one sentence; "" where there is none, or where they are of different objectives."""
    found = brackets(view)
    if len({(slo(each), each.error) for each in found}) != 1 or all(words(each) == UNDECIDED for each in found):
        return ""
    said = listed([f"{words(each)} in {view.title(each.variant)}" for each in found])
    risk = f"each wrong with probability at most {exact(found[0].error, 'share')}"
    return f"With {slo(found[0])}, the capacity in predictions per second is {said}, {risk}."


def table(view: View[Latency]) -> Table:
    """Return the brackets, one line per architecture."""
    rows = []
    for each in brackets(view):
        texts = (words(each), slo(each), f"at most {exact(each.error, 'share')}")
        rows.append(Row(view.title(each.variant), each.variant, [Cell(text, kind="words") for text in texts]))
    columns = ("predictions per second", "SLO", "wrong with probability")
    return Table("Capacity: how much load stays within the SLO", columns, rows)


def point_tables(view: View[Latency]) -> list[Table]:
    """Return what each bracket was decided from: one line per offered rate."""
    columns = ("predictions", "as good as independent", "too slow or failed", "verdict")
    return [
        Table(
            f"{view.title(each.variant)}: {words(each)} predictions per second",
            columns,
            [Row(f"{rate(point.rate_per_s)} per second", "", _cells(point)) for point in each.points],
            "offered",
        )
        for each in brackets(view)
        if each.points
    ]


def _cells(point: Point) -> list[Cell]:
    share = point.over / point.n if point.over is not None and point.n else None
    counts = [ABSENT if count is None else Cell(f"{count:,.0f}") for count in (point.n, point.n_eff)]
    grew = "the backlog grew" if point.grew else ""
    return [*counts, Cell(number(share, "share")), Cell(MARKS.get(point.verdict, point.verdict), grew)]
