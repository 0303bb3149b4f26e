"""What comes before the first trial: stacks verified and their capacity looked for, the generator calibrated."""

from collections.abc import Sequence
from functools import partial

from bench.load import known
from bench.session.experiment import NULL, STACKS, Experiment, Step
from bench.session.session import Session
from bench.stacks import verify
from bench.stacks.running import RunningStack
from bench.stacks.stack import Stack
from bench.stacks.verify import Asker
from bench.statistics.quantities import quantile
from runfile.facts import Null, Process, Variant

PROBE_S = 0.6  # a short closed loop is good enough to know which rates are worth offering
NULL_S, TRIES = 1.0, 3
VERIFY_S, CALIBRATE_S = 5.0, 4.0  # what they take beside that, for the remaining time only
CARRIES_PER_S = 2000.0  # what a generator on one core is known to carry
MOST_PER_S = 0.9 * CARRIES_PER_S  # the most that it is asked for, so that a bad moment does not make it late
OVERLOAD = 2.0  # times its capacity is the most that a stack is offered


def steps(session: Session, experiments: Sequence[Experiment]) -> list[Step]:
    """Return what the experiments of this run need, once for all of them."""
    needs = {need for each in experiments for need in each.needs}
    found = []
    if STACKS in needs:
        found += [
            Step(f"asking {stack.name} for every photo", VERIFY_S + PROBE_S, partial(verify_stack, session, stack))
            for stack in session.settings.stacks
        ]
    if NULL in needs:
        text = "generator against a server that does nothing"
        found.append(Step(text, CALIBRATE_S + NULL_S, partial(calibrate, session)))
    return found


def verify_stack(session: Session, stack: Stack) -> None:
    """Start a stack, ask it for everything, compare it with the first one, find out what it carries, note what it is.

    Raises WrongAnswers or StackFailed.
    """
    with RunningStack(stack, session.place("verify", stack.name, stack)) as running:
        asker = Asker(stack.name, running.base_url)
        verified = asker.verified()
        photos = list(verified.answers)
        if not session.verified:
            asker.download(photos, session.images)
        session.verified.append(verified)
        verify.compare([session.verified[0], verified])
        carries = session.assumed_per_s or asker.capacity(photos, PROBE_S)
        commands = {name: tuple(process.argv) for name, process in running.processes.items()}
    session.capacity[stack.name] = float(f"{carries:.2g}")  # a first look has no more than two digits
    processes = tuple(Process(each.name, tuple(sorted(each.roles)), commands[each.name]) for each in stack.processes)
    facts = Variant(stack.name, stack.title, verified.model, processes, carries)
    session.folder.save(variants=(*session.folder.run.variants, facts))
    session.folder.left_out(running.left_out)
    session.folder.event("variant verified", variant=stack.name, photos=len(photos), closed_loop_per_s=carries)


def calibrate(session: Session) -> None:
    """Send to a server that does nothing, at twice the highest rate that the run will offer: all lateness is ours.

    Up to three times, and the best counts: what generator and machine can do is asked here. Whether they did it while
    it mattered is for the lag of every trial to say.
    """
    highest = OVERLOAD * max(session.capacity.values(), default=CARRIES_PER_S)
    rate = min(CARRIES_PER_S, round(2 * highest))
    tries: list[Null] = []
    while len(tries) < TRIES and not (tries and fit(session, tries[-1])):
        tries.append(against_nothing(session, rate))
    best = min(tries, key=lambda null: (null.lag_p99_ms, null.service_p99_ms))
    session.folder.save(null=best)
    session.folder.event("generator calibrated", rate_per_s=rate, tries=len(tries), canary_ms=session.look())


def against_nothing(session: Session, rate: float) -> Null:
    """Send to the null server once."""
    place = known.Place(session.split, session.folder.work / "null")
    told = known.send_to_null(place, [(rate, NULL_S)])
    rows = told.rows()
    return Null(rate, *(quantile(values[rows], 0.99) for values in (told.lag_ms, told.service_ms)))


def fit(session: Session, null: Null) -> bool:
    """Whether a try leaves nothing to wish for."""
    found = {"G5-lag": null.lag_p99_ms, "G5-service": null.service_p99_ms}
    return all(session.settings.limits[gate].verdict(value) == "pass" for gate, value in found.items())
