"""`sweetspot doctor`: what this machine can and cannot measure, before anyone waits for a run.

Where a run is judged by a threshold, the doctor judges by the same. Most modules are imported late: the first thing to
find out is whether they are there.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from bench.doctor.finding import Finding, checklist, closing_words, exit_code
from bench.doctor.setup import look_at_setup
from bench.exits import Exit, write
from bench.terminal import say

if TYPE_CHECKING:
    from bench.calibration.lines import Line
    from bench.load.known import Place

TRUE = "The load generator tells the truth on this machine."
UNTRUE = (
    "The load generator is off on this machine, as marked above: do not trust a run on it. "
    "Close other programs and try again."
)


def consult(photos: Path, *, calibrate: bool, out: Path | None) -> Exit:
    """Look at everything, say what was found, and return the exit code. Raises UsageProblem if `out` is no place."""
    findings: list[Finding] = look_at_setup(photos)
    lines: list[Line] = []
    if findings[0].verdict == "problem":  # packages are missing: the rest cannot even be imported
        tell(findings)
        return exit_code(findings)
    from bench.load.known import Place
    from bench.machine.cores import split_cores
    from bench.processes import scratch, surroundings

    surroundings.tell(surroundings.found())
    with scratch.folder("doctor") as folder:
        place = Place(split_cores(), folder)
        findings += examine(place)
        tell(findings)
        save(out, findings, lines)
        if calibrate:
            lines = tried(place)
            save(out, findings, lines)
    off = any(line.verdict == "off" for line in lines)
    return exit_code(findings) or (Exit.NOT_VALID if off else Exit.OK)


def examine(place: "Place") -> list[Finding]:
    """Look at the machine, with progress; about half a minute."""
    from bench.doctor import machine, speed
    from bench.gates.thresholds import load
    from bench.session.experiment import Step
    from bench.session.progress import follow

    findings: list[Finding] = []
    add, cores, limits = findings.extend, place.cores, load()
    steps = [
        Step("looking at the machine", 1, lambda: add([*machine.room(place.folder), *machine.cores(cores, limits)])),
        Step("watching who else is busy", machine.WATCH_S, lambda: add(machine.company(cores, limits))),
        Step("timing the same work again and again", 6, lambda: add([speed.steadiness(cores)])),
        Step("waiting for the timer", 1, lambda: add([speed.timer(limits)])),
        Step("sending to a server that does nothing", 20, lambda: add(speed.generator(place, limits))),
    ]
    follow(steps)
    return findings


def tell(findings: list[Finding]) -> None:
    """Print the checklist and what it comes to."""
    say(f"{checklist(findings)}\n\n{closing_words(findings)}")


def tried(place: "Place") -> list["Line"]:
    """Calibrate, and print truth beside reported."""
    from bench.calibration.lines import table
    from bench.calibration.trials import Size, calibrate, tells_the_truth, trials
    from bench.machine import counters

    say("\nThe load generator against servers with known answers: about five minutes.\n")
    used = {*place.cores.sut, *place.cores.generator}
    before = counters.read(used)
    lines = calibrate(place, trials(Size()))
    stolen = counters.read(used).since(before).steal_share
    meanwhile = "" if stolen is None else f" Meanwhile the host took {stolen:.1%} of the cores' time."
    say(f"{table(lines)}\n\n{TRUE if tells_the_truth(lines) else UNTRUE}{meanwhile}")
    return lines


def save(out: Path | None, findings: list[Finding], lines: list["Line"]) -> None:
    """Write everything as JSON, if a file was asked for."""
    if out is None:
        return
    from runfile.decoding import encode

    write(out, encode({"checklist": findings, "calibration": lines}), "--out")
