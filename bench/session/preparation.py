"""What comes before the first trial: variants verified, their capacity looked for, the generator calibrated."""

from bench.calibration import trials as calibration
from bench.latency.gates import Null
from bench.latency.run import Run
from bench.stacks.running import RunningStack
from bench.stacks.stack import Stack
from bench.stacks.verify import Asker

NULL_S, TRIES = 1.0, 3
MOST_PER_S = 2000.0  # what a generator on one core is known to carry


def verify_variant(run: Run, stack: Stack) -> None:
    """Start a variant, ask it for everything, find out what it carries, note what it is."""
    profile = run.settings.profile
    place = run.bench.place(f"verify-{stack.name}", stack)
    with RunningStack(stack, place) as running:
        asker = Asker(stack.name, running.base_url)
        verified = asker.verified()
        photos = list(verified.answers)
        if not run.verified:
            asker.download(photos, run.images)
        capacity = profile.capacity_per_s or asker.capacity(photos, profile.probe_s)
        commands = {name: list(process.argv) for name, process in running.processes.items()}
    run.verified.append(verified)
    run.capacity[stack.name] = float(f"{capacity:.2g}")  # a first look has no more than two digits
    processes = [
        {"name": process.name, "roles": sorted(process.roles), "run": commands[process.name]}
        for process in stack.processes
    ]
    facts = {"name": stack.name, "title": stack.title, "model": verified.model, "processes": processes}
    run.folder.save(variants=[*run.folder.facts["variants"], facts])
    run.folder.event(
        "variant verified", variant=stack.name, photos=len(photos), closed_loop_per_s=capacity, **verified.model
    )


def calibrate(run: Run) -> None:
    """Send to a server that does nothing, at twice the highest rate that the run will offer: all lateness is ours.

    Up to three times, and the best counts: what generator and machine can do is asked here. Whether they did it while
    it mattered is for the lag of every trial to say.
    """
    others = sum(run.settings.profile.bystanders.values())
    highest = max(rung.rate_per_s for arm in run.arms for rung in run.rungs(arm)) + others
    rate = min(MOST_PER_S, round(2 * highest))
    tries: list[Null] = []
    while len(tries) < TRIES and not (tries and fit(run, tries[-1])):
        tries.append(against_nothing(run, rate))
    run.null = min(tries, key=lambda null: (null.lag_p99_ms, null.service_p99_ms))
    run.folder.event("generator calibrated", rate_per_s=rate, tries=len(tries))


def against_nothing(run: Run, rate: float) -> Null:
    """Send to the null server once."""
    place = calibration.Place(run.bench.cores, run.folder.work / "null")
    told = calibration.send_to_null(place, [(rate, NULL_S)])
    rows = told.rows()
    return Null(rate, *(calibration.quantile(values[rows], 0.99) for values in (told.lag_ms, told.service_ms)))


def fit(run: Run, null: Null) -> bool:
    """Whether a try leaves nothing to wish for."""
    limits = run.settings.limits
    return null.lag_p99_ms <= limits["G5-lag"].passes and null.service_p99_ms <= limits["G5-service"].passes
