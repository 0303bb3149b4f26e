"""The section of the latency experiment: its headline, tables and figures, and what template they fill."""

from reports.latency import capacity, captions, headline, method, ratios, tables
from reports.latency.loads import loads, offered
from reports.reading import standing, view
from reports.reading.results import PREDICTION, RAW_LIMIT
from reports.reading.view import View
from reports.section import Figure, Part, Section, again
from reports.wording import spread
from runfile import Recorded
from runfile.facts import Latency

HEADLINE_CASES = (PREDICTION, "metadata")
NO_TABLE = "results.csv holds no response time of a prediction or of metadata."
TOO_FEW = "too few predictions were asked for."
TURNS = "turns"  # whom gates name that judge all who take turns


def build(folder: Recorded) -> Section | None:
    """Return the section, None where the experiment was not part of the run."""
    found = folder.run.experiments.latency
    if found is None:
        return None
    seen = view.build(folder, "latency", found, [arm.name for arm in found.arms])
    judged = standing.judge(folder.run, found)
    parts = _parts(folder, seen)
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
        parts={**parts, "rises": rises, "compares": compares},
        links=links,
        titles={**seen.titles, TURNS: "all in turns"},
        ratio_note=ratios.floor_note(seen),
        again=again(found, seen.titles, _steps(found)),
    )


def _steps(found: Latency) -> list[Part]:
    """Return the steps of the trials that count, and the rounds, in which everybody has a turn; a warm-up is none."""
    steps = [(trial, step) for trial in found.counted for step in trial.steps]
    alone = [(trial.variant, trial.block, "a step", step.reason) for trial, step in steps if trial.variant]
    rounds = {
        (trial.trial, step.round): ("", trial.block, "a round", step.reason)
        for trial, step in steps
        if not trial.variant and step.round and step.reason
    }
    return [*alone, *rounds.values()]


def _parts(folder: Recorded, seen: View[Latency]) -> dict[str, object]:
    """Return what latency.html names."""
    medians = ratios.of_medians(seen)
    return {
        "how": method.facts(seen),
        "hole": folder.absent.get("results.csv", NO_TABLE),
        "tables": tables.responses(seen, HEADLINE_CASES),
        "low_load": spread([each for name in seen.variants for each in offered(seen, name)[:1]]),
        "has_raw_limit": any(row.variant == RAW_LIMIT for row in seen.results.rows),
        "figures": at_low_load(seen),
        "no_curve": "" if seen.curves else folder.absent.get("requests.parquet", TOO_FEW),
        "rising": under_rising_load(seen),
        "brackets": capacity.brackets(seen),
        "points": any(each.points for *_, each in capacity.brackets(seen)),
        "resources": tables.resources(seen),
        "medians": medians,
        "more_ratios": [each for each in ratios.between_architectures(seen) if each not in medians],
        "claimed": ratios.claimed,
        "floor_sentence": ratios.floor_sentence(seen),
        "floors": ratios.floors(seen),
        "crossover": ratios.crossover(seen),
    }


def at_low_load(seen: View[Latency]) -> dict[str, Figure]:
    """Draw what there is data for, in reading order. matplotlib loads only where something is drawn."""
    if not seen.results.rows:
        return {}
    from reports.latency import curve, percentiles, stages

    figures = {}
    if seen.cases and seen.variants:
        behind = tables.responses(seen)
        figures["percentiles"] = Figure(percentiles.draw(seen), captions.percentiles(seen), behind)
    if words := captions.stages(seen):
        figures["stages"] = Figure(stages.draw(seen), words, [tables.stages(seen)])
    if seen.curves:
        figures["curve"] = Figure(curve.draw(seen), captions.curve(seen))
    return figures


def under_rising_load(seen: View[Latency]) -> Figure | None:
    """Draw what happens when the offered rate rises; None where it did not."""
    if not loads(seen):
        return None
    from reports.latency import rates

    svg = rates.draw(seen)
    return Figure(svg, captions.rates(seen), tables.by_load(seen)) if svg else None
