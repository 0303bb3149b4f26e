"""What the README says that sweetspot needs, held against what it takes: memory of a block, disk, minutes."""

import re
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import psutil
import pytest

from bench.latency import profile
from bench.latency.arms import arms_of
from bench.latency.experiment import Latency
from bench.machine.cores import Split
from bench.machine.sampler import memory_of, own_memory
from bench.session import preparation, trial
from bench.session.session import Session, Settings
from bench.session.trial import Where
from bench.stacks import stack
from runfile.folder import RunFolder
from tests.conftest import ROOT

ROW = re.compile(r"^\| (.+?) \| (\d+) \| ([\d.]+) GB \| ([\d.]+) GB \| ([\d.]+) \|$", re.MULTILINE)
SAID = {
    name.strip("`"): {"cores": int(cores), "memory": float(memory), "disk": float(disk), "minutes": float(minutes)}
    for name, cores, memory, disk, minutes in ROW.findall((ROOT / "README.md").read_text())
}
GB = 1e9


def size_of(folder: Path) -> int:
    """Bytes on disk of a folder; a file that is linked twice counts once."""
    found = {}
    for path in folder.rglob("*"):
        about = path.lstat()
        found[about.st_ino] = about.st_blocks * 512
    return sum(found.values())


def test_the_readme_says_it_for_set_up_and_both_commands():
    assert set(SAID) == {"set-up, the first time", "make bench", "make test"}


def test_the_disk_that_set_up_takes_is_what_the_readme_says():
    taken = sum(size_of(ROOT / name) for name in (".venv", "models", "data")) / GB
    assert taken == pytest.approx(SAID["set-up, the first time"]["disk"], rel=0.25)


def session_of_quick(folder: Path) -> Session:
    settings = Settings("quick", ROOT / "data" / "catalogue", folder, 1, None, [], stack.find())  # type: ignore[arg-type]
    return Session(settings, RunFolder(folder, "quick"), Split((0,), (1,), pinned=False))


def memory_of_a_block(folder: Path) -> int:
    session = session_of_quick(folder)
    arms = {arm.name: arm.stack for arm in arms_of(session.settings.stacks, profile.load("quick"))}
    with trial.up(session, Where("latency", 1, ""), arms) as these:
        return sum(memory_of(pid) for pid in these.roots().values()) + own_memory(psutil.Process())


def test_a_block_of_quick_fits_into_the_memory_that_the_readme_says(tmp_path: Path):
    """All arms of a block are up together: what that takes, with the harness itself, is the most of a run."""
    # A process of its own is the harness: this one also holds what the tests before have left.
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as fresh:
        held = fresh.submit(memory_of_a_block, tmp_path).result()
    assert held / GB < SAID["make bench"]["memory"] < 2 * held / GB


def test_quick_is_planned_for_the_minutes_that_the_readme_says(tmp_path: Path):
    session = session_of_quick(tmp_path)
    experiment = Latency(profile.load("quick"), session.settings.stacks, ())
    steps = [*preparation.steps(session, [experiment]), *experiment.steps(session)]
    assert sum(step.seconds for step in steps) / 60 == pytest.approx(SAID["make bench"]["minutes"], rel=0.2)
    assert SAID["make bench"]["cores"] == 2
