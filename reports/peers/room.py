"""What peers.html is filled with: a run that compares inference servers, in sentences, tables and one figure."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from reports import gates, peers_method, peers_tables, standing
from reports.context import machine_line
from reports.figures import Figure
from reports.wording import counted, interval, listed, number

if TYPE_CHECKING:
    from reports.record import Run
    from reports.results import Results
    from reports.runfolder import RunFolder
    from reports.standing import Standing

FILES = {
    "run.json": "settings, seed, machine, versions, servers, every slice of every block, promises",
    "results.csv": "every number of the tables and of the figure, tidy, one per row",
    "requests.parquet": "one row per request of the overload: intended, sent, done, status, outcome, stages",
    "events.jsonl": "what happened when: servers installed, measured, left out",
}
READ = (
    "1 x are the eight clients of the closed loop, the server's capacity; beyond it, load is offered at multiples of "
    "that. Above: right answers within the objective, as a share of capacity, which is the line. Below: p99 of what "
    "was accepted; the line is the objective. Bars are intervals, where there were several blocks."
)


def build(folder: RunFolder) -> dict[str, object]:
    """Return everything that peers.html names, but the style."""
    run, judged = folder.run, standing.judge(folder)
    found = folder.results
    servers = peers_tables.by_cost(found, run.peers) if found else []
    return {
        "run": run,
        "folder": folder,
        "standing": judged,
        "verdict": headline(run, found, judged),
        "tally": tally(run) if judged.claims else "not judged",
        "main": peers_tables.main(found, servers) if found else None,
        "latencies": peers_tables.latencies(found, servers) if found else None,
        "overloads": peers_tables.overloads(found, servers) if found else [],
        "images": peers_tables.images(found) if found else None,
        "figures": figures(found, servers, run) if found else [],
        "left_out": [each for each in run.peers if each.failed],
        "titles": {each.name: each.title for each in run.peers},
        "method": peers_method.sentences(run),
        "machine": machine_line(dict(run.machine)),
        "gate_tally": gates.tally(run),
        "files": FILES,
    }


def figures(found: Results, servers: list[tuple[str, str]], run: Run) -> list[Figure]:
    """Draw the overload; nothing where there was none."""
    if not peers_tables.loads(found):
        return []
    from reports import figure_peers

    svg = figure_peers.draw(found, servers, slo_of(run))
    return [Figure(svg, "", READ, peers_tables.overloads(found, servers))]


def slo_of(run: Run) -> float:
    """Return the objective in ms."""
    return float(dict(run.settings).get("slo_ms", "200"))


def tally(run: Run) -> str:
    """Return how many promises were met, missed and withheld."""
    verdicts = Counter(check.verdict for check in run.checks)
    return ", ".join(f"{count} {verdict}" for verdict, count in sorted(verdicts.items())) or "none"


def headline(run: Run, found: Results | None, judged: Standing) -> str:
    """Return the first sentence: what the run says, as far as it may say anything."""
    if judged.smoke_only:
        return standing.SMOKE_BANNER
    if not judged.claims:
        return f"No verdict: {judged.why_not}."
    return " ".join(words for words in (_costs(run, found), _promises(run)) if words)


def _promises(run: Run) -> str:
    return f"Of {counted(len(run.checks), 'promise')}: {tally(run)}." if run.checks else ""


def _costs(run: Run, found: Results | None) -> str:
    """Name what every server costs by itself, the smallest first; nothing where no interval says how sure that is."""
    titles = {each.name: each.title for each in run.peers}
    rows = [row for row in (found.rows if found else ()) if row.metric == "own_cost" and row.low is not None]
    costs = [
        f"{titles.get(row.variant, row.variant)} {number(row.value, 'ms')} {interval(row.low, row.high)}"
        for row in sorted(rows, key=lambda row: row.value or 0.0)
    ]
    return f"By itself a server takes of every request: {listed(costs)}." if costs else ""
