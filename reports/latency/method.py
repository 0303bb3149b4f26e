"""How it was measured, in sentences made from what a run says of itself."""

from reports.latency.loads import staircase, turns
from reports.reading.view import View
from reports.wording import counted, exact, listed, rate, spread
from runfile.facts import Latency, Trial

OPEN_LOOP = (
    "The load is open loop: requests are due at times drawn beforehand, the same for every variant, however slow the "
    "answers are."
)
ALONE = (
    "Under rising load each variant runs alone, in steps. Its own capacity is what a short closed loop carried before.",
    "All other routes keep the same low rate in every step: they are the bystanders.",
    "A step whose backlog grew until its end reads “saturated”: its percentiles would only tell how long it lasted.",
    "The tables of response times, the percentiles, the stages and the tail are about the lowest rate alone.",
)
ALWAYS = (
    "Response time counts from the moment a request was due, so time spent waiting to be sent is not forgotten.",
    "Failures count as infinitely slow. A percentile that they reach reads “fails”.",
    "A pending or degraded answer is no success.",
    "A percentile that the number of requests cannot carry reads “withheld”.",
)
LAST = (
    "A difference is claimed only where a ratio's interval excludes 1 and the ratio exceeds the noise floor.",
    "Ratios are paired within blocks, and the block is the unit of their intervals.",
    "The intervals see the spread within this run. Another machine, or another day, can differ by more.",
)
ARMS = {
    "A/A": "{name} is {of} once more, as it is: how far the two differ is the noise floor.",
    "control": "{name} is {of} with a known change: a measurement that does not find it is not believed.",
}


def sentences(view: View[Latency]) -> list[str]:
    """Return what a reader must know of the measurement, in reading order."""
    return [OPEN_LOOP, *_turns(view), *_rising(view), *ALWAYS, _blocks(view), *_arms(view), *LAST]


def _turns(view: View[Latency]) -> list[str]:
    """Tell how low load was measured, where variants took turns."""
    found = list(turns(view))
    if not found:
        return []
    rates = listed([rate(each) for each in sorted({turn.rate_per_s for turn in found})])
    length, rounds = spread([turn.seconds for turn in found]), len({turn.round for turn in found})
    return [
        f"Low load is measured in turns of {length} s at {rates} predictions per second: all stacks of a block are up.",
        f"Everybody has one in each of {counted(rounds, 'round')}, in a balanced order; a block is worth their median.",
    ]


def _rising(view: View[Latency]) -> list[str]:
    """Tell the steps of every variant."""
    found = [words for name in view.variants if (words := _steps(view, name))]
    return [ALONE[0], *found, *ALONE[1:], _goodput(view)] if found else []


def _steps(view: View[Latency], name: str) -> str:
    steps = staircase(view, name)
    if not steps:
        return ""
    blocks = counted(sum(trial.variant == name for trial in view.found.counted), "block")
    rates = listed([rate(step.rate_per_s) for step in steps])
    shares = listed([f"{step.of_capacity:.2g}" for step in steps if step.of_capacity is not None])
    times = f" ({shares} times its own capacity)" if shares else ""
    length = f"{counted(len(steps), 'step')} of {spread([step.seconds for step in steps])} s"
    return f"{view.title(name)} climbs {length} in {blocks}: {rates} predictions per second{times}."


def _goodput(view: View[Latency]) -> str:
    """Define goodput. Since low load is measured in turns, it leaves out what was due before a queue could show."""
    of = ", of what was due in the second half of a step" if any(turns(view)) else ""
    return f"Goodput is the good answers within {exact(view.found.slo_ms, 'ms')}, per second{of}."


def _blocks(view: View[Latency]) -> str:
    blocks = min(
        (len({trial.block for trial in view.found.counted if _holds(trial, name)}) for name in view.variants), default=0
    )
    window = spread([trial.window_s for trial in view.found.counted])
    length = f", each trial {window} s long" if window else ""
    number = counted(blocks, "complete block")
    return f"Every variant runs in each block, in a seeded order. This run has {number}{length}."


def _holds(trial: Trial, name: str) -> bool:
    """Whether a variant has a number from this trial."""
    return trial.variant == name or any(step.variant == name and not step.reason for step in trial.steps)


def _arms(view: View[Latency]) -> list[str]:
    """Tell what the arms were for, so that nobody takes one for an architecture."""
    known = [arm for arm in view.found.arms if arm.kind in ARMS]
    return [ARMS[arm.kind].format(name=arm.name, of=view.title(arm.of)) for arm in known]
