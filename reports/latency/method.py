"""How a run was measured, in sentences made from what it says of itself. Sits above `view.py`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reports.by_rate import has_rates
from reports.wording import counted, listed, rate, spread

if TYPE_CHECKING:
    from reports.record import Step
    from reports.view import View

ALWAYS = (
    "Response time counts from the moment a request was due, so time spent waiting to be sent is not forgotten.",
    "Failures count as infinitely slow. A percentile that they reach reads “fails”.",
    "A pending or degraded answer is no success.",
    "A percentile that the number of requests cannot carry reads “withheld”.",
)
RISING = (
    "A step whose backlog grew until its end reads “saturated”: its percentiles would only tell how long it lasted.",
    "Goodput is the good answers within the SLO, per second.",
    "The tables of response times, the percentiles, the stages and the tail are about the lowest step alone.",
)
LAST = (
    "Two variants count as different only where their intervals lie apart and the order is the same in every block.",
    "Where a noise floor was measured, no smaller difference is claimed.",
    "The intervals see the spread within this run. Another machine, or another day, can differ by more.",
)


def sentences(view: View) -> list[str]:
    """Return what a reader must know of the measurement, in reading order."""
    rising = [*_staircase(view), *RISING] if has_rates(view) else []
    return [_open_loop(view), *rising, *ALWAYS, _blocks(view), *_arms(view), *LAST]


def _open_loop(view: View) -> str:
    steady = "" if has_rates(view) else spread([trial.rate for trial in view.run.trials])
    pace = f", {steady} requests per second on average" if steady else ""
    return (
        f"The load is open loop{pace}: requests are due at times drawn beforehand, the same for every variant, "
        "however slow the answers are."
    )


def _staircase(view: View) -> list[str]:
    """Tell the steps of the first trial that has some; every trial climbs the same stairs."""
    steps: tuple[Step, ...] = next((trial.steps for trial in view.run.trials if trial.steps), ())
    if not steps:
        return []
    rates = listed([rate(step.rate) for step in steps if step.rate is not None])
    shares = listed([rate(step.of_capacity) for step in steps if step.of_capacity is not None])
    times = f" ({shares} times the estimated capacity)" if shares else ""
    length = f"{counted(len(steps), 'step')} of {spread([step.seconds for step in steps])} s"
    bystanders = "All other routes keep the same low rate in every step: they are the bystanders."
    return [f"The load rises in {length}: {rates} predictions per second{times}. {bystanders}"]


def _blocks(view: View) -> str:
    trials = view.run.trials
    window, warmup = spread([trial.window for trial in trials]), spread([trial.warmup for trial in trials])
    length = f", each trial {window} s long" if window else ""
    before = f", after {warmup} s of warm-up that are not counted" if warmup else ""
    blocks = counted(view.blocks, "complete block")
    return f"Every variant runs once in a block, in a seeded order. This run has {blocks}{length}{before}."


def _arms(view: View) -> list[str]:
    """Tell what the arms were for, so that nobody takes one for an architecture."""
    said = {
        "A/A": "{name} is {of} once more, as it is: how far the two differ is the noise floor.",
        "control": "{name} is {of} with a known change: a measurement that does not find it is not believed.",
    }
    return [said[arm.kind].format(name=arm.name, of=view.title(arm.of)) for arm in view.run.arms if arm.kind in said]
