"""What differs from run to run in how it was measured; method.html says the rest."""

from reports.latency.loads import staircase, turns
from reports.reading.view import View
from reports.wording import counted, listed, rate, spread
from runfile.facts import Latency, Trial


def facts(view: View[Latency]) -> dict[str, object]:
    """Return what method.html names; `turns` is empty where variants took none, `climbs` where nobody climbed."""
    counting, found = view.found.counted, list(turns(view))
    taken = {
        "seconds": spread([turn.seconds for turn in found]),
        "rates": listed([rate(each) for each in sorted({turn.rate_per_s for turn in found})]),
        "rounds": len({turn.round for turn in found}),
    }
    blocks = [{trial.block for trial in counting if _holds(trial, name)} for name in view.variants]
    return {
        "turns": taken if found else {},
        "climbs": [_climb(view, name) for name in view.variants if staircase(view, name)],
        "blocks": min(map(len, blocks), default=0),
        "window": spread([trial.window_s for trial in counting]),
    }


def _climb(view: View[Latency], name: str) -> str:
    """Tell the steps that a variant climbed alone."""
    steps = staircase(view, name)
    blocks = counted(sum(trial.variant == name for trial in view.found.counted), "block")
    rates = listed([rate(step.rate_per_s) for step in steps])
    shares = listed([f"{step.of_capacity:.2g}" for step in steps if step.of_capacity is not None])
    times = f" ({shares} times its own capacity)" if shares else ""
    length = f"{counted(len(steps), 'step')} of {spread([step.seconds for step in steps])} s"
    return f"{view.title(name)} climbs {length} in {blocks}: {rates} predictions per second{times}."


def _holds(trial: Trial, name: str) -> bool:
    """Whether a variant has a number from this trial."""
    return trial.variant == name or any(step.variant == name and not step.reason for step in trial.steps)
