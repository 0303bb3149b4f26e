"""A run from beginning to end: verify all variants, then blocks of trials, then the results. Owns the run folder."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bench import trial
from bench.analysis.checks import Check
from bench.analysis.results import Row
from bench.exits import Failure, StackFailed
from bench.finish import write_up
from bench.load.generator import DEADLINE_S
from bench.load.schedule import draw, order_of_block
from bench.machine import cores, limit
from bench.machine.limit import Limit
from bench.profiles import Profile
from bench.progress import Lines, Plan, Step, progress
from bench.runfolder import RunFolder, now
from bench.stacks import verify
from bench.stacks.running import RunningStack
from bench.stacks.stack import Stack
from bench.stacks.verify import Asker, Verified
from bench.trial import Bench, Measured, Trial

START_S = 5.0  # what starting and stopping a stack takes, for the remaining time only


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
    command: Sequence[str]


@dataclass
class Run:
    """The state of a run while it goes on; whatever happens, it can be written up."""

    settings: Settings
    folder: RunFolder
    bench: Bench
    verified: list[Verified] = field(default_factory=list)
    measured: list[Measured] = field(default_factory=list)
    limits: dict[tuple[int, str], Limit] = field(default_factory=dict)
    failure: Failure | None = None
    results: list[Row] = field(default_factory=list)

    @property
    def images(self) -> Path:
        """The photos as the first variant serves them."""
        return self.folder.work / "images"


def begin(settings: Settings) -> Run:
    """Make the run folder, write down what is known, and get off the cores of the system under test."""
    profile = settings.profile
    split = cores.split_cores()
    cores.stay_off(split)
    folder = RunFolder(settings.out, profile.name)
    folder.save(
        started_at=now(), finished_at=None, seed=settings.seed, command=list(settings.command),
        settings={
            "experiments": ", ".join(settings.experiments),
            **profile.settings(),
            "photos": str(settings.photos),
            "deadline_s": DEADLINE_S,
        },
        machine=cores.fingerprint(split), versions=cores.versions(),
        variants=[], trials=[], checks=[], gates=[], validity={"valid": False, "reasons": ["the run is not finished"]},
    )  # fmt: skip
    folder.event("run started", profile=profile.name, variants=[stack.name for stack in settings.stacks])
    bench = Bench(folder, settings.photos, split, profile.warmup_s, profile.window_s, profile.rate_per_s)
    return Run(settings, folder, bench)


def conduct(run: Run) -> None:
    """Measure everything, then write up what there is: also after Ctrl-C, and after a failure, which is kept."""
    state = "failed"
    try:
        with progress(plan(run.settings)) as show:
            for stack in run.settings.stacks:
                show.step()
                verify_variant(run, stack)
            verify.compare(run.verified)
            run.folder.event("answers verified", photos=len(run.verified[0].answers))
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


def plan(settings: Settings) -> Plan:
    """Return the steps of a run; they are gone through in this order."""
    profile = settings.profile
    trial_s = profile.warmup_s + profile.window_s + START_S
    steps = [Step(f"asking {stack.name} for every photo", START_S) for stack in settings.stacks]
    for block in range(profile.blocks):
        name = f"block {block + 1}/{profile.blocks}"
        for index in order_of_block(len(settings.stacks), block, settings.seed):
            if profile.limit_s:
                steps.append(Step(f"{name}: raw limit of the model", profile.limit_s * 4 / 3 + 2))
            steps.append(Step(f"{name}: {settings.stacks[index].name} under load", trial_s))
    return Plan(steps)


def verify_variant(run: Run, stack: Stack) -> None:
    """Start a variant, ask it for everything, note what it is."""
    place = run.bench.place(f"verify-{stack.name}")
    with RunningStack(stack, place) as running:
        asker = Asker(stack.name, running.base_url)
        verified = asker.verified()
        if not run.verified:
            asker.download(list(verified.answers), run.images)
        commands = {name: list(process.argv) for name, process in running.processes.items()}
    run.verified.append(verified)
    processes = [
        {"name": process.name, "roles": sorted(process.roles), "run": commands[process.name]}
        for process in stack.processes
    ]
    facts = {"name": stack.name, "title": stack.title, "model": verified.model, "processes": processes}
    run.folder.save(variants=[*run.folder.facts["variants"], facts])
    run.folder.event("variant verified", variant=stack.name, photos=len(verified.answers), **verified.model)


def measure_block(run: Run, block: int, show: Lines) -> None:
    """Measure the raw limit and every variant once, all with the same arrivals and photos."""
    profile, seed, reference = run.settings.profile, run.settings.seed, run.verified[0]
    schedule = draw(
        profile.rates, profile.warmup_s, profile.window_s, len(reference.answers),
        arrivals=profile.arrivals, seed=(seed, block),
    )  # fmt: skip
    for position, index in enumerate(order_of_block(len(run.settings.stacks), block, seed), start=1):
        if profile.limit_s:
            show.step()
            measure_limit(run, block + 1, position, show)
        show.step()
        this = Trial(len(run.measured) + 1, block + 1, position, run.settings.stacks[index])
        run.folder.event("trial started", trial=this.number, block=this.block, variant=this.stack.name)
        measured = trial.measure(run.bench, this, schedule, reference)
        run.measured.append(measured)
        run.folder.add_trial(measured.requests, measured.processes)
        run.folder.save(trials=[each.record for each in run.measured])
        outcome = {key: measured.record[key] for key in ("scheduled", "completed", "failed", "dropped")}
        run.folder.event("trial finished", trial=this.number, variant=this.stack.name, **outcome)


def measure_limit(run: Run, block: int, position: int, show: Lines) -> None:
    """Measure the raw limit, right before each trial: the machine changes within a block, too.

    Without it the run goes on, but nothing is said about how near a variant comes to it.
    """
    version, profile = run.verified[0].model["version"], run.settings.profile
    logs = run.folder.path / "logs" / f"block-{block:02d}" / f"raw-limit-{position}"
    cores = run.bench.cores.sut if run.bench.cores.pinned else ()
    for pace in limit.paces(profile.rate_per_s, profile.limit_s):
        try:
            found = limit.measure(run.images, version, pace, cores, logs)
        except StackFailed as failure:
            show.say(f"warning: {failure}")
            run.folder.event("raw limit failed", block=block, pace=pace.case, reason=str(failure))
        else:
            before = run.limits.get((block, pace.case))
            run.limits[block, pace.case] = before.with_more(found) if before else found
            run.folder.event(
                "raw limit measured", block=block, pace=pace.case, samples=len(found.samples_ms["response"])
            )
