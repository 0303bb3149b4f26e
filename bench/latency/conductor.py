"""A run from beginning to end: prepare, measure blocks of trials, write up. Owns the run folder."""

import shutil

from bench.exits import Failure
from bench.latency import ladder, trial
from bench.latency.arms import rungs_of
from bench.latency.conduct import measure_block
from bench.latency.finish import write_up
from bench.latency.run import Run
from bench.load.schedule import order_of_block
from bench.session.preparation import NULL_S, calibrate, verify_variant
from bench.session.progress import Plan, Step, progress
from bench.stacks import verify

VERIFY_S = 6.0  # what verifying a variant takes, for the remaining time only


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
