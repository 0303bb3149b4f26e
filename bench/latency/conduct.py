"""The blocks of a run: the raw limit, then every arm once, in a balanced order, all with the same arrivals."""

from bench.exits import StackFailed
from bench.latency import ladder, trial
from bench.latency.run import Run
from bench.latency.trial import Arm, Measured, Trial
from bench.load.schedule import draw, order_of_block
from bench.machine import canary, limit
from bench.session.progress import Lines
from bench.session.targets import targets_of
from bench.statistics.noise import canary_deviation

CANARY_ROUNDS = 8


def measure_block(run: Run, block: int, show: Lines) -> None:
    """Measure the raw limit and every arm once, all with the same arrivals and photos."""
    seed = run.settings.seed
    if run.settings.profile.limit_s:
        show.step()
        measure_limit(run, block + 1, show)
    for position, index in enumerate(order_of_block(len(run.arms), block, seed), start=1):
        show.step()
        measure_arm(run, (block, position), run.arms[index], show)


def measure_arm(run: Run, place: tuple[int, int], arm: Arm, show: Lines) -> None:
    """Measure one arm; once more if the machine was not itself meanwhile, as often as the profile allows."""
    block, position = place
    while True:
        this = Trial(len(run.measured) + 1, block + 1, position, arm, run.rungs(arm))
        measured = measure(run, this)
        measured.repeated = unfit(run, measured)
        used = sum(bool(each.repeated) for each in run.measured)
        if used >= run.settings.profile.repeats:
            measured.repeated = ""
        keep(run, measured)
        if not measured.repeated:
            return
        show.say(f"{arm.name} is measured again: {measured.repeated}")


def measure(run: Run, this: Trial) -> Measured:
    """Measure one trial, with the canary before and after it."""
    settings, reference = run.settings, run.verified[0]
    warm_up, steps = ladder.phases(settings.profile, this.rungs)
    schedule = draw(
        warm_up, steps, len(reference.answers), arrivals=settings.profile.arrivals, seed=(settings.seed, this.block)
    )
    run.folder.event("trial started", trial=this.number, block=this.block, variant=this.arm.name)
    before = run.last_canary or canary.measure(run.bench.sut, CANARY_ROUNDS)
    measured = trial.measure(run.bench, this, schedule, targets_of(reference))
    run.last_canary = canary.measure(run.bench.sut, CANARY_ROUNDS)
    measured.canaries = [before, run.last_canary]
    return measured


def unfit(run: Run, measured: Measured) -> str:
    """Say why a trial should be repeated, "" if it need not."""
    session = [each.canary_ms for each in (*run.measured, measured) if each.canary_ms]
    deviation = canary_deviation(measured.canary_ms, session) if measured.canary_ms else 0.0
    steal = measured.machine.steal_share or 0.0
    if deviation > run.settings.limits["G6-canary"].extra["repeat"]:
        return f"the cores were {deviation:.0%} off their usual speed"
    return f"{steal:.0%} of the CPU was stolen" if steal > run.settings.limits["G6-steal"].fails else ""


def keep(run: Run, measured: Measured) -> None:
    """Write down a trial."""
    run.measured.append(measured)
    run.folder.add_trial(measured.requests(), measured.processes)
    run.folder.save(trials=[each.record() for each in run.measured])
    name = "trial repeated" if measured.repeated else "trial finished"
    run.folder.event(
        name, trial=measured.trial.number, variant=measured.trial.arm.name, **measured.counts(),
        reason=measured.repeated,
    )  # fmt: skip


def measure_limit(run: Run, block: int, show: Lines) -> None:
    """Measure the raw limit, in every block: the machine changes in the course of a run.

    Without it the run goes on, but nothing is said about how near a variant comes to it.
    """
    version, profile = run.verified[0].model["version"], run.settings.profile
    logs = run.folder.path / "logs" / f"block-{block:02d}"
    low = run.rungs(run.arms[0])[0].rate_per_s + sum(profile.bystanders.values())
    for pace in limit.paces(low, profile.limit_s):
        try:
            found = limit.measure(run.images, version, pace, run.bench.sut, logs)
        except StackFailed as failure:
            show.say(f"warning: {failure}")
            run.folder.event("raw limit failed", block=block, pace=pace.case, reason=str(failure))
        else:
            run.limits[block, pace.case] = found
            run.folder.event(
                "raw limit measured", block=block, pace=pace.case, samples=len(found.samples_ms["response"])
            )
