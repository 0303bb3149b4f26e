"""Ratios between architectures beside the noise floor that they must exceed: the only place where anything differs."""

from reports.reading.results import PREDICTION
from reports.reading.view import View, short
from reports.section import ABSENT, Cell, Row, Table
from reports.wording import around, interval, number, rate
from runfile.facts import Floor, Latency, Ratio

HEADLINE = (PREDICTION, "response_p50")
NOT_MEASURED = "noise floor not measured"


def claimed(ratio: Ratio) -> bool:
    """Whether a ratio is a difference. Whatever the run says, nothing is without a noise floor."""
    return ratio.claim and ratio.floor_half_width is not None


def between_architectures(view: View[Latency]) -> list[Ratio]:
    """Return the ratios; an arm is compared with nothing."""
    return [each for each in view.found.ratios if not {each.left, each.right} & view.arms]


def of_medians(view: View[Latency]) -> list[Ratio]:
    """Return the ratios that a decision is read from."""
    return [each for each in between_architectures(view) if (each.case, each.metric) == HEADLINE]


def table(view: View[Latency], *, claims: bool) -> Table:
    """Return the ratios of medians, none without the noise floor of its rate."""
    rows = [_row(view, each, "", claims=claims) for each in of_medians(view)]
    return _table("Median response of a prediction, paired within blocks", rows)


def others(view: View[Latency], *, claims: bool) -> Table:
    """Return the other ratios, each with what it is of."""
    found = [each for each in between_architectures(view) if (each.case, each.metric) != HEADLINE]
    of = [f", {short(each.case).lower()} {metric(each.metric)}" for each in found]
    rows = [_row(view, each, words, claims=claims) for each, words in zip(found, of, strict=True)]
    return _table("Other metrics and routes", rows)


def _table(title: str, rows: list[Row]) -> Table:
    return Table(title, ("offered per s", "measured", "noise floor", "blocks", "claim"), rows, "ratio")


def _row(view: View[Latency], ratio: Ratio, of: str, *, claims: bool) -> Row:
    floor = ratio.floor_half_width
    cells = (
        Cell(rate(ratio.offered_per_s)) if ratio.offered_per_s is not None else ABSENT,
        Cell("withheld" if ratio.value is None else number(ratio.value), interval(ratio.low, ratio.high)),
        Cell("not measured" if floor is None else around(floor)),
        Cell(f"{ratio.n:,}"),
        Cell("not judged" if not claims else "✓ differ" if claimed(ratio) else "\N{EN DASH} none"),
    )
    return Row(f"{view.title(ratio.left)} / {view.title(ratio.right)}{of}", "", cells)


def metric(name: str) -> str:
    """Return the name of a metric as people say it."""
    return name.replace("_", " ")


def floors(view: View[Latency]) -> list[Floor]:
    """Return the noise floors that bound anything, at low load first."""
    known = [each for each in view.found.noise_floor or () if each.half_width is not None]
    return sorted(known, key=lambda each: each.offered_per_s or 0.0)


def floor_sentence(view: View[Latency]) -> str:
    """Return the noise floor at low load, or that there is none."""
    found = floors(view)
    if not found:
        return "Noise floor not measured: no ratio below is a claim."
    again = next((view.title(arm.of) for arm in view.found.arms if arm.kind == "A/A"), "one architecture")
    said = f"{_floor(found[0])}, found by measuring {again} twice in {found[0].n} blocks"
    return f"Noise floor: {said}. No smaller difference is claimed."


def floor_note(view: View[Latency]) -> str:
    """Return the noise floor as a note beside a promise, which is about low load."""
    found = floors(view)
    return f"noise floor {_floor(found[0])}" if found else NOT_MEASURED


def _floor(floor: Floor) -> str:
    return f"{around(floor.half_width or 0.0)} in {metric(floor.metric)}{_at(floor, ' at ')}"


def _at(floor: Floor, before: str) -> str:
    return "" if floor.offered_per_s is None else f"{before}{rate(floor.offered_per_s)} per second"


def floor_table(view: View[Latency]) -> Table:
    """Return every noise floor with the ratio of the architecture to itself, which would be 1 without noise."""
    rows = []
    for floor in floors(view):
        itself = Cell(number(floor.value), interval(floor.low, floor.high))
        cells = (itself, Cell(around(floor.half_width or 0.0)), Cell(f"{floor.n:,}"))
        rows.append(Row(f"{metric(floor.metric)}{_at(floor, ', ')}", "", cells))
    return Table("Noise floor", ("ratio to itself", "noise floor", "blocks"), rows, "metric and rate")


def crossover(view: View[Latency]) -> str:
    """Return where the order of two architectures changes, in one sentence; "" where the run does not know."""
    found = view.found.crossover
    if found is None or {found.left, found.right} & view.arms:
        return ""
    bounds = {"above": found.low, "below": found.high}
    place = " and ".join(f"{word} {rate(bound)}" for word, bound in bounds.items() if bound is not None)
    pair = f"{view.title(found.left)} and {view.title(found.right)}"
    return f"The order of {pair} in {metric(found.metric)} changes {place} predictions per second." if place else ""
