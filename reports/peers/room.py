"""The section of the comparison with other inference servers: sentences, tables and one figure."""

from reports.peers import tables
from reports.reading import results, standing
from reports.reading.results import Results
from reports.reading.standing import Standing
from reports.section import Figure, Section, again, tally
from reports.wording import counted, interval, listed, number
from runfile import Recorded
from runfile.facts import Peers


def build(folder: Recorded) -> Section | None:
    """Return the section, None where the experiment was not part of the run."""
    found = folder.run.experiments.peers
    if found is None:
        return None
    rows, judged = results.of("peers", folder.results), standing.judge(folder.run, found)
    titles = {each.name: each.title or each.name for each in found.peers}
    servers, images = tables.by_cost(rows, titles), tables.images(rows)
    links = {"cost": "Cost", "overload": "Overload", "images": "Image path" if images else "", "servers": "Servers"}
    return Section(
        name="peers",
        question="What does an inference server cost, and what does it keep under overload?",
        scope="Inference servers around the same image and model code, each in the form that its own documentation "
        "recommends for one core, one after the other on one machine.",
        found=found,
        standing=judged,
        headline=headline(found, rows, titles, judged),
        parts={
            "hole": folder.absent.get("results.csv", "" if servers else "no server was measured."),
            "main": tables.main(rows, servers),
            "latencies": tables.latencies(rows, servers),
            "overloads": tables.overloads(rows, servers),
            "images": images,
            "figure": overload(rows, servers, found.slo_ms),
        },
        links=links,
        titles=titles,
        again=again(found, titles, [(each.variant, each.block, each.case, each.reason) for each in found.withheld]),
    )


def overload(rows: Results, servers: tables.Servers, slo_ms: float) -> Figure | None:
    """Draw the overload; None where there was none."""
    if not tables.loads(rows):
        return None
    from reports.peers.overload import draw

    return Figure(draw(rows, servers, slo_ms))


def headline(found: Peers, rows: Results, titles: dict[str, str], judged: Standing) -> str:
    """Return the first sentence: what the run says, as far as it may say anything.

    What every server costs by itself, the smallest first; nothing where no interval says how sure that is.
    """
    if not judged.claims:
        return judged.words
    known = [row for row in rows.rows if row.metric == "own_cost" and row.low is not None]
    costs = [
        f"{titles.get(row.variant, row.variant)} {number(row.value, 'ms')} {interval(row.low, row.high)}"
        for row in sorted(known, key=lambda row: row.value or 0.0)
    ]
    said = f"By itself a server takes of every request: {listed(costs)}." if costs else ""
    promises = f"Of {counted(len(found.checks), 'promise')}: {tally(found)}." if found.checks else ""
    return " ".join(words for words in (said, promises) if words)
