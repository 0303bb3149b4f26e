"""What the README tells people to type is run; what it names exists."""

import os
import re
import subprocess
from argparse import ArgumentParser
from pathlib import Path

import pytest

from bench.load.options import add_options
from tests.conftest import ROOT

README = (ROOT / "README.md").read_text()
COMMANDS = [
    line for block in re.findall(r"```sh\n(.*?)```", README, re.DOTALL) for line in block.splitlines() if line.strip()
]
# The two that this test would start inside itself, and the one that runs until Ctrl-C: `.ci/run` and tests/e2e do.
ELSEWHERE = {"make bench", "make test", ".venv/bin/sweetspot up embedded"}


def test_the_readme_has_its_commands() -> None:
    assert set(COMMANDS) >= ELSEWHERE
    assert len(COMMANDS) > len(ELSEWHERE)


@pytest.mark.parametrize("command", [command for command in COMMANDS if command not in ELSEWHERE])
def test_a_command_of_the_readme_works(command: str, tmp_path: Path) -> None:
    if "sweetspot run" in command:
        command += f" --out {tmp_path}"
    done = subprocess.run(
        ["/bin/sh", "-c", command], check=False, cwd=ROOT, env=os.environ, capture_output=True, text=True
    )
    accepted = {0, 1} if command.startswith("diff") else {0, 5} if "doctor" in command else {0}  # 5: a busy machine
    assert done.returncode in accepted, done.stdout + done.stderr
    assert done.stdout.strip()
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("page", ["README.md", *(f"{name}/README.md" for name in ("embedded", "model_in_db"))])
def test_links_lead_somewhere(page: str) -> None:
    text = (ROOT / page).read_text()
    links = [link for link in re.findall(r"\]\(([^)]+)\)", text) if not link.startswith("http")]
    assert all((ROOT / page).parent.joinpath(link).exists() for link in links), links


def test_every_folder_that_the_tree_names_exists() -> None:
    for name in re.findall(r"^    ([a-z_]+)/  ", README, re.MULTILINE):
        assert (ROOT / name).is_dir(), name


def test_make_help_lists_the_targets() -> None:
    done = subprocess.run(["make", "help"], check=True, cwd=ROOT, capture_output=True, text=True)
    for target in ("setup", "bench", "test", "check"):
        assert f"make {target} " in done.stdout


def test_the_options_of_the_load_generator_are_those_that_it_has() -> None:
    parser = ArgumentParser()
    add_options(parser)
    has = {
        option: str(action.default)
        for action in parser._actions
        for option in action.option_strings
        if option not in {"-h", "--help", "--plan"}
    }
    told = dict(re.findall(r"^\| `(--[a-z]+)` \| (.*?) ?\|", README, re.MULTILINE))
    assert {name: float(default) if default[:1].isdigit() else default for name, default in has.items()} == {
        name: float(default) if default[:1].isdigit() else default for name, default in told.items()
    }
