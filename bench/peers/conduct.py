"""A run of the peers from beginning to end: install what is missing, measure blocks, write up. Owns the run folder."""

import shutil

from bench.exits import Exit, Failure
from bench.gates import judging as gates
from bench.load.schedule import order_of_block
from bench.peers import environment, overload, promises, results
from bench.peers.measure import Place, measure, planned_s
from bench.peers.peer import Peer
from bench.peers.rounds import MODEL, NO_OP
from bench.peers.run import Run
from bench.session.progress import Lines, Plan, Step, progress
from bench.session.runfolder import now

INSTALL_S, LABELS_S, IMAGE_START_S = 30.0, 4.0, 2.0


def conduct(run: Run) -> None:
    """Measure everything, then write up what there is: also after Ctrl-C, and after a failure, which is kept."""
    state = "failed"
    try:
        missing = [peer for peer in run.settings.peers if not environment.ready(peer)]
        with progress(plan(run, missing)) as show:
            for peer in missing:
                show.step()
                install(run, peer, show)
            show.step()
            run.photos |= {model: run.rig.vision.labelled(model) for model in (NO_OP, MODEL)}
            for block in range(run.settings.profile.blocks):
                measure_block(run, block, show)
        state = "complete"
    except KeyboardInterrupt:
        state = "interrupted"  # the peer in progress is not kept: half a measurement is none
    except Failure as failure:
        run.failure = failure
    finally:
        shutil.rmtree(run.folder.work, ignore_errors=True)
        run.folder.event(f"run {state}", reason=str(run.failure or ""))
        write_up(run, state)


def plan(run: Run, missing: list[Peer]) -> Plan:
    """Return the steps of a run in their order."""
    profile, peers = run.settings.profile, run.settings.peers
    steps = [Step(f"installing {peer.title} {peer.release}", INSTALL_S) for peer in missing]
    steps.append(Step("asking the bare model for all labels", LABELS_S))
    for block in range(profile.blocks):
        name = f"block {block + 1}/{profile.blocks}"
        steps.append(Step(f"{name}: the image path", profile.image_s + IMAGE_START_S))
        order = order_of_block(len(peers), block, run.settings.seed)
        steps += [Step(f"{name}: {peers[index].title}", planned_s(profile)) for index in order]
    return Plan(steps)


def install(run: Run, peer: Peer, show: Lines) -> None:
    """Make the environment of a peer; the run goes on without it if that fails."""
    try:
        environment.install(peer)
    except Failure as failure:
        leave_out(run, peer, failure, show)
    else:
        run.folder.event("peer installed", peer=peer.name)


def measure_block(run: Run, block: int, show: Lines) -> None:
    """Measure the image path and every peer once, in a balanced order."""
    show.step()
    measure_images(run, block + 1, show)
    peers = run.settings.peers
    for position, index in enumerate(order_of_block(len(peers), block, run.settings.seed), start=1):
        show.step()
        if peers[index].name not in run.failed:
            measure_peer(run, block + 1, position, peers[index], show)


def measure_images(run: Run, block: int, show: Lines) -> None:
    """Measure the image path; a run without it still says everything about the servers."""
    try:
        run.images[block] = run.rig.vision.image_path(run.settings.profile.image_s)
    except Failure as failure:
        show.say(f"warning: {failure}")
        run.folder.event("image path failed", block=block, reason=str(failure))


def measure_peer(run: Run, block: int, position: int, peer: Peer, show: Lines) -> None:
    """Measure one peer and write it down; the run goes on without it if that fails."""
    trial = len(run.measured) + 1
    logs = run.folder.path / "logs" / f"block-{block:02d}-{peer.name}"
    run.folder.event("peer started", block=block, peer=peer.name)
    try:
        measured = measure(run.rig, Place(trial, block, position, peer, logs))
    except Failure as failure:
        leave_out(run, peer, failure, show)
        return
    run.measured.append(measured)
    rows = overload.requests(measured.overloads, trial=trial, block=block, variant=peer.name)
    run.folder.add_trial(rows, [])
    run.folder.save(trials=[each.record() for each in run.measured])
    run.folder.event("peer measured", block=block, peer=peer.name, capacity_per_s=measured.capacity)


def leave_out(run: Run, peer: Peer, failure: Failure, show: Lines) -> None:
    """Go on without a peer, and say so."""
    run.failed[peer.name] = str(failure)
    run.folder.event("peer left out", peer=peer.name, reason=str(failure))
    run.folder.save(peers=run.peers())
    show.say(f"{peer.title} is left out from here on: {failure}")


def write_up(run: Run, state: str) -> None:
    """Derive everything that is derived and write it."""
    settings, profile = run.settings, run.settings.profile
    found = results.collect(run.measured, run.images, settings.limits, profile.slo_ms)
    names = list(dict.fromkeys(each.place.peer.name for each in run.measured))
    judged = promises.judge(settings.promises, found, names, verdicts=profile.verdicts)
    split = run.rig.cores
    own = gates.own_cores(settings.limits, shared=len(set(split.sut) & set(split.generator)), pinned=split.pinned)
    validity = gates.validity([own], bool(run.measured))
    if state != "complete":
        reasons = validity["reasons"]
        validity = {
            "valid": False,
            "reasons": [f"the run was {state}", *(reasons if isinstance(reasons, list) else [])],
        }
    run.results = found.rows()
    run.folder.write_results(run.results)
    run.folder.save(
        state=state, finished_at=now(), peers=run.peers(), checks=judged, gates=[own], withheld=found.withheld,
        validity=validity,
    )  # fmt: skip


def exit_code(run: Run) -> Exit:
    """Return what the shell gets: a failure first, then validity, then promises."""
    facts = run.folder.facts
    if run.failure is not None:
        return run.failure.code
    if facts["state"] == "interrupted":
        return Exit.INTERRUPTED
    if not run.measured:
        return Exit.NOT_READY
    if not facts["validity"]["valid"] and run.settings.profile.verdicts:
        return Exit.NOT_VALID
    missed = any(check["verdict"] == "missed" for check in facts["checks"])
    return Exit.THRESHOLD_MISSED if missed else Exit.OK
