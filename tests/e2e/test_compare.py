"""`sweetspot compare` as users run it: what it prints, its exit codes, and no traceback for whatever it is given."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from bench.processes.guarded import ROOT
from runfile.facts import Validity
from tests.unit.bench.simulated_run import Simulated, damaged
from tests.unit.bench.variants import TINY, TOY

INVALID = {"validity": Validity(reasons=("G1: late",))}


def sweetspot(*argv: object) -> tuple[int, str, str]:
    command = [sys.executable, "-m", "bench.cli", *map(str, argv)]
    done = subprocess.run(command, cwd=ROOT, env=os.environ, capture_output=True, text=True, check=False, timeout=100)
    assert "Traceback" not in done.stdout + done.stderr
    return done.returncode, done.stdout, done.stderr


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Simulated(seed=100).write(tmp_path_factory.mktemp("base"))


def test_a_slower_run_is_told_and_has_its_exit_code(tmp_path: Path, base: Path):
    new = Simulated(seed=1, factors={"embedded": 1.3}).write(tmp_path)
    code, out, _ = sweetspot("compare", base, new, "--json", tmp_path / "found.json")
    assert code == 6
    assert out.startswith(f"BASE {base.name}\nNEW  {new.name}\n\nHow the machine itself moved")
    (line,) = (line for line in out.splitlines() if line.startswith("embedded     prediction  8          p50"))
    assert line.endswith("  slower")
    assert "slower, of" in out.splitlines()[-1]
    assert json.loads((tmp_path / "found.json").read_text())["exit_code"] == 6


def test_nothing_slower_and_not_valid_have_their_exit_codes(tmp_path: Path, base: Path):
    code, out, _ = sweetspot("compare", base, base)
    assert code == 0
    assert "BASE and NEW are the same run." in out
    code, out, _ = sweetspot("compare", base, Simulated(seed=2, found=INVALID).write(tmp_path))
    assert code == 5
    assert out.splitlines()[2] == "NEW is not valid: G1: late"
    assert out.splitlines()[-1] == "Not valid: nothing is claimed."


@pytest.mark.parametrize("how", ["no run", "another schema", "half a table"])
def test_what_cannot_be_compared_is_explained_in_a_line(tmp_path: Path, base: Path, how: str):
    code, out, err = sweetspot("compare", base, damaged(Simulated(seed=3, blocks=1).write(tmp_path), how))
    assert (code, out) == (2, "")
    assert len(err.splitlines()) == 1
    assert str(tmp_path) in err


def test_a_real_run_is_read(tmp_path: Path):
    code, _, err = sweetspot("run", "--profile", TINY, "--variants", TOY, "--photos", TOY, "--out", tmp_path)
    assert code == 0, err
    (folder,) = tmp_path.iterdir()
    code, out, _ = sweetspot("compare", folder, folder)
    assert code in (0, 5)  # a machine busy with other tests makes runs that are not valid
    assert "canary" in out
    assert "toy_variant  prediction  20         p50 ms" in out
    assert "nothing is claimed" in out.splitlines()[-1].lower()


def test_help_says_what_the_exit_codes_mean():
    code, out, _ = sweetspot("compare", "--help")
    assert code == 0
    assert "6  something is surely slower" in out
