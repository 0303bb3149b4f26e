"""Whatever the user has told matplotlib: the same drawing, and not a word. In processes of their own: it reads once."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT

DRAW = """
from reports.drawing import svg
print(svg.drawing("k", "T", "D", (4, 2), lambda figure: figure.add_axes((0.1, 0.1, 0.8, 0.8)).plot([0, 1], [0, 1])))
"""
SETTINGS = b"lines.linewidth: 9\nfont.size: 30\nbackend: none\nno such key: 1\n"


def drawn(folder: Path, **variables: str) -> str:
    env = {name: value for name, value in os.environ.items() if not name.startswith(("MPL", "XDG_"))}
    env |= {"PYTHONPATH": str(ROOT), "HOME": str(folder), **variables}
    argv = [sys.executable, "-c", DRAW]
    done = subprocess.run(argv, cwd=folder, env=env, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


@pytest.fixture(scope="module")
def usual(tmp_path_factory: pytest.TempPathFactory) -> str:
    return drawn(tmp_path_factory.mktemp("usual"))


@pytest.mark.parametrize("content", [SETTINGS, b"\xff: 1\n"])
@pytest.mark.parametrize(
    "place", ["matplotlibrc", ".config/matplotlib/matplotlibrc", ".config/matplotlib/stylelib/mine.mplstyle"]
)
def test_files_of_the_user_change_nothing(tmp_path: Path, usual: str, place: str, content: bytes) -> None:
    path = tmp_path / place
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    assert drawn(tmp_path) == usual
    assert drawn(tmp_path, MATPLOTLIBRC=str(path)) == usual


@pytest.mark.parametrize(
    "variables",
    [
        {"MPLBACKEND": "x"}, {"MPLBACKEND": "module://matplotlib_inline.backend_inline"},
        {"MPLCONFIGDIR": "/dev/null"}, {"MPLCONFIGDIR": "/nowhere/at/all"}, {"HOME": "/dev/null"},
        {"HOME": "/dev/null", "XDG_CACHE_HOME": "/dev/null", "XDG_CONFIG_HOME": "relative"},
    ],
)  # fmt: skip
def test_variables_of_the_user_change_nothing(tmp_path: Path, usual: str, variables: dict[str, str]) -> None:
    assert drawn(tmp_path, **variables) == usual


def test_the_surroundings_are_left_as_they_were(tmp_path: Path) -> None:
    look = "import os; before = dict(os.environ), os.getcwd(); import reports.drawing.library"
    env = os.environ | {"MPLBACKEND": "x", "PYTHONPATH": str(ROOT)}
    script = f"{look}; assert (dict(os.environ), os.getcwd()) == before"
    subprocess.run([sys.executable, "-c", script], cwd=tmp_path, env=env, check=True)


def test_nobody_else_imports_it() -> None:
    found = {
        path.name
        for path in (ROOT / "reports").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if (isinstance(node, ast.ImportFrom) and (node.module or "").startswith("matplotlib"))
        or (isinstance(node, ast.Import) and any(each.name.startswith("matplotlib") for each in node.names))
    }
    assert found == {"library.py"}
