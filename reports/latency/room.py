"""The section of the latency experiment: its headline, tables and figures, and what template they fill."""

from dataclasses import replace

from reports.latency import capacity, captions, headline, method, ratios, tables
from reports.latency.loads import loads, offered
from reports.reading import standing, view
from reports.reading.results import RAW_LIMIT
from reports.reading.view import View
from reports.section import Figure, Part, Section, again
from reports.wording import exact, spread
from runfile import Recorded
from runfile.facts import Latency

PERCENTILES = "A dot is a percentile of the response time, the bar its interval. All panels share one axis."
STAGES = (
    "Medians, reported by the servers: db is queries, decode reading the image, queue waiting for the model, infer the "
    "model, app all the rest inside the web server, calls to other servers included. The diamond is the whole response "
    "as the client saw it. Medians need not add up to it, and the way to and from the client is in no stage."
)
CURVE = (
    "Response time of a prediction by percentile, all counted trials of a variant together, from requests.parquet. A "
    "line ends before the first marked percentile that the requests cannot carry, or where failures begin."
)
RATES = (
    "Bold lines are p50, thin ones p95, bars their intervals; where response times are drawn, markers of one rate are "
    "side by side. In time is a good answer within {slo}, and goodput how many of them come per second. Own capacity "
    "is what each carried in a short closed loop. The backlog is the predictions in flight when a step ends. Where "
    "it grew until then, the step is saturated: its percentiles and its goodput would tell how long it lasted. "
    "Metadata keeps its low rate throughout."
)
NO_TABLE = "results.csv holds no response time of a prediction or of metadata."
TOO_FEW = "too few predictions were asked for."
UNDECIDED = "An illustration, not a finding."


def build(folder: Recorded) -> Section | None:
    """Return the section, None where the experiment was not part of the run."""
    found = folder.run.experiments.latency
    if found is None:
        return None
    seen = view.build(folder, "latency", found, [arm.name for arm in found.arms])
    judged = standing.judge(folder.run, found)
    parts = _parts(folder, seen, claims=judged.claims)
    rises = parts["rising"] or parts["points"] or parts["resources"]
    compares = found.noise_floor is not None or found.ratios
    links = {"results": "Results", "rising": "Rising load" if rises else "", "ratios": "Ratios" if compares else ""}
    return Section(
        name="latency",
        question="Where should the model live?",
        scope="These numbers are about response times and failures under load. They do not weigh failure isolation or "
        "staleness.",
        found=found,
        standing=judged,
        headline=headline.headline(seen, judged),
        method=method.sentences(seen),
        parts={**parts, "rises": rises, "compares": compares},
        links={anchor: name for anchor, name in links.items() if name},
        titles=seen.titles,
        ratio_note=ratios.floor_note(seen),
        again=again(found, seen.titles, _steps(found)),
    )


def _steps(found: Latency) -> list[Part]:
    """Return the steps and, since everybody has a turn in it, the rounds of the trials that count, but no warm-up."""
    steps = [(trial, step) for trial in found.counted for step in trial.steps]
    alone = [(trial.variant, trial.block, "a step", step.reason) for trial, step in steps if trial.variant]
    rounds = {
        (trial.trial, step.round): (trial.block, step.reason)
        for trial, step in steps
        if step.round and step.reason and not trial.variant
    }
    return [*alone, *(("", block, "a round", reason) for block, reason in rounds.values())]


def _parts(folder: Recorded, seen: View[Latency], *, claims: bool) -> dict[str, object]:
    """Return what latency.html names."""
    return {
        "hole": folder.absent.get("results.csv", NO_TABLE),
        "tables": tables.headlines(seen),
        "low_load": spread([each for name in seen.variants for each in offered(seen, name)[:1]]),
        "has_raw_limit": any(row.variant == RAW_LIMIT for row in seen.results.rows),
        "figures": _captioned(at_low_load(seen), claims=claims),
        "no_curve": "" if seen.curves else folder.absent.get("requests.parquet", TOO_FEW),
        "rising": _captioned(under_rising_load(seen), claims=claims),
        "brackets": capacity.table(seen),
        "points": capacity.point_tables(seen),
        "resources": tables.resources(seen),
        "ratios": ratios.table(seen, claims=claims),
        "more_ratios": ratios.others(seen, claims=claims),
        "floor_sentence": ratios.floor_sentence(seen),
        "floors": ratios.floor_table(seen),
        "crossover": ratios.crossover(seen) if claims else "",
    }


def _captioned(figures: list[Figure], *, claims: bool) -> list[Figure]:
    """Return figures whose captions say no more than the run may."""
    return figures if claims else [replace(each, caption=UNDECIDED) for each in figures]


def at_low_load(seen: View[Latency]) -> list[Figure]:
    """Draw what there is data for, in reading order. matplotlib loads only where something is drawn."""
    if not seen.results.rows:
        return []
    from reports.latency import curve, percentiles, stages

    figures = []
    if seen.cases and seen.variants:
        words, behind = captions.percentiles(seen), tables.responses(seen)
        figures.append(Figure(percentiles.draw(seen), words, PERCENTILES, behind))
    if tables.has_stages(seen):
        figures.append(Figure(stages.draw(seen), captions.stages(seen), STAGES, [tables.stages(seen)]))
    if seen.curves:
        figures.append(Figure(curve.draw(seen), captions.curve(seen), CURVE, []))
    return figures


def under_rising_load(seen: View[Latency]) -> list[Figure]:
    """Draw what happens when the offered rate rises; nothing where it did not."""
    if not loads(seen):
        return []
    from reports.latency import rates

    svg, note = rates.draw(seen), RATES.format(slo=exact(seen.found.slo_ms, "ms"))
    return [Figure(svg, captions.rates(seen), note, tables.by_load(seen))] if svg else []
