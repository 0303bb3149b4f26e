"""A run from beginning to end: verify all variants, then blocks of trials, then the results. Owns the run folder."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bench import ladder, trial
from bench.analysis.checks import Check
from bench.analysis.noise import canary_deviation
from bench.analysis.thresholds import Thresholds
from bench.arms import arms_of, rungs_of
from bench.calibration import trials as calibration
from bench.exits import Failure, StackFailed
from bench.finish import write_up
from bench.judging import Null
from bench.ladder import Rung
from bench.load.generator import DEADLINE_S
from bench.load.schedule import draw, order_of_block
from bench.machine import canary, cores, limit
from bench.machine.canary import Canary
from bench.machine.limit import Limit
from bench.profiles import Profile
from bench.progress import Lines, Plan, Step, progress
from bench.runfolder import RunFolder, now
from bench.stacks import verify
from bench.stacks.running import RunningStack
from bench.stacks.stack import Stack
from bench.stacks.verify import Asker, Verified
from bench.trial import Arm, Bench, Measured, Trial

VERIFY_S = 6.0  # what verifying a variant takes, for the remaining time only
NULL_S = 1.5
MOST_PER_S = 2000.0  # what a generator on one core is known to carry
CANARY_ROUNDS = 8


@dataclass(frozen=True)
class Settings:
    """What the user asked for."""

    experiments: Sequence[str]
    profile: Profile
    stacks: Sequence[Stack]
    photos: Path
    out: Path
    seed: int
    checks: Sequence[Check]
    limits: Thresholds
    command: Sequence[str]


@dataclass
class Run:
    """The state of a run while it goes on; whatever happens, it can be written up."""

    settings: Settings
    folder: RunFolder
    bench: Bench
    arms: Sequence[Arm]
    verified: list[Verified] = field(default_factory=list)
    capacity: dict[str, float] = field(default_factory=dict)
    measured: list[Measured] = field(default_factory=list)
    limits: dict[tuple[int, str], Limit] = field(default_factory=dict)
    null: Null | None = None
    last_canary: Canary | None = None
    failure: Failure | None = None
    results: list[dict[str, object]] = field(default_factory=list)

    @property
    def images(self) -> Path:
        """The photos as the first variant serves them."""
        return self.folder.work / "images"

    @property
    def counted(self) -> list[Measured]:
        """The trials that count: those that were repeated are kept in the tables, and in nothing else."""
        return [each for each in self.measured if not each.repeated]

    def rungs(self, arm: Arm) -> list[Rung]:
        """Return the steps of an arm."""
        own, smallest = self.capacity[arm.stack.name], min(self.capacity.values())
        return rungs_of(arm, ladder.ladder(self.settings.profile.steps, own, smallest))


def begin(settings: Settings) -> Run:
    """Make the run folder, write down what is known, and get off the cores of the system under test."""
    profile = settings.profile
    split = cores.split_cores()
    cores.stay_off(split)
    folder = RunFolder(settings.out, profile.name)
    arms = arms_of(settings.stacks, profile)
    folder.save(
        started_at=now(), finished_at=None, seed=settings.seed, command=list(settings.command),
        settings={
            "experiments": ", ".join(settings.experiments),
            **profile.settings(),
            "photos": str(settings.photos),
            "deadline_s": DEADLINE_S,
            "thresholds_version": settings.limits.version,
        },
        machine=cores.fingerprint(split), versions=cores.versions(),
        arms=[{"name": arm.name, "of": arm.of, "kind": arm.kind} for arm in arms if arm.kind],
        variants=[], trials=[], checks=[], gates=[], noise_floor=[], ratios=[], capacity=[], crossover=None,
        validity={"valid": False, "reasons": ["the run is not finished"]},
    )  # fmt: skip
    folder.event("run started", profile=profile.name, variants=[stack.name for stack in settings.stacks])
    return Run(settings, folder, Bench(folder, settings.photos, split, profile), arms)


def conduct(run: Run) -> None:
    """Measure everything, then write up what there is: also after Ctrl-C, and after a failure, which is kept."""
    state = "failed"
    try:
        with progress(plan(run)) as show:
            for stack in run.settings.stacks:
                show.step()
                verify_variant(run, stack)
            verify.compare(run.verified)
            run.folder.event("answers verified", photos=len(run.verified[0].answers))
            show.step()
            calibrate(run)
            for block in range(run.settings.profile.blocks):
                measure_block(run, block, show)
        state = "complete"
    except KeyboardInterrupt:
        state = "interrupted"  # the trial in progress is not kept: a cut window is no measurement
    except Failure as failure:
        run.failure = failure
    finally:
        shutil.rmtree(run.folder.work, ignore_errors=True)
        run.folder.event(f"run {state}", reason=str(run.failure or ""))
        write_up(run, state)


def plan(run: Run) -> Plan:
    """Return the steps of a run in their order. Capacities are not known yet, so times are rough."""
    profile, steps = run.settings.profile, []
    steps += [Step(f"asking {stack.name} for every photo", VERIFY_S + profile.probe_s) for stack in run.settings.stacks]
    steps.append(Step("generator against a server that does nothing", NULL_S + trial.AROUND_S))
    for block in range(profile.blocks):
        name = f"block {block + 1}/{profile.blocks}"
        if profile.limit_s:
            steps.append(Step(f"{name}: raw limit of the model", profile.limit_s * 4 / 3 + 2))
        for index in order_of_block(len(run.arms), block, run.settings.seed):
            arm = run.arms[index]
            rungs = rungs_of(arm, ladder.ladder(profile.steps, 1.0, 1.0))
            steps.append(Step(f"{name}: {arm.name} under load", trial.planned_s(profile, rungs)))
    return Plan(steps)


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
    """Send to a server that does nothing, at twice the highest rate that the run will offer: all lateness is ours."""
    others = sum(run.settings.profile.bystanders.values())
    highest = max(rung.rate_per_s for arm in run.arms for rung in run.rungs(arm)) + others
    rate = min(MOST_PER_S, round(2 * highest))
    place = calibration.Place(run.bench.cores, run.folder.work / "null")
    told = calibration.send_to_null(place, [(rate, NULL_S)])
    rows = told.rows()
    run.null = Null(rate, *(calibration.quantile(values[rows], 0.99) for values in (told.lag_ms, told.service_ms)))
    run.folder.event("generator calibrated", rate_per_s=rate)


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
    measured = trial.measure(run.bench, this, schedule, reference.targets)
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
