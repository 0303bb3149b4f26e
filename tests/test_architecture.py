"""The architecture as checks: what the folders promise by their names, and what each web server loads."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT

VARIANTS = sorted(path.parent for path in ROOT.glob("*/stack.toml"))
COMMON = {"README.md", "stack.toml", "app.py", "predictor.py", "__init__.py"}
MODEL_LIBRARIES = {"onnxruntime", "onnx", "vision"}

by_name = pytest.mark.parametrize("variant", VARIANTS, ids=lambda path: path.name)


def code(path: Path) -> list[str]:
    """The lines of a function body and the imports, without docstrings and blank lines."""
    lines = path.read_text().split('"""', 2)[2].splitlines()
    return [line for line in lines if line.strip()]


def test_there_are_three() -> None:
    assert [variant.name for variant in VARIANTS] == ["embedded", "model_as_service", "model_in_db"]


@by_name
def test_the_same_role_has_the_same_file_name(variant: Path) -> None:
    assert {path.name for path in variant.iterdir()} >= COMMON


@by_name
def test_app_py_differs_by_little_but_the_predictor(variant: Path) -> None:
    reference = code(ROOT / "model_in_db" / "app.py")
    different = [line for line in code(variant / "app.py") if line not in reference]
    assert len(different) <= 8, different
    assert any("Predictor" in line for line in different) or variant.name == "model_in_db"


def test_the_three_readmes_have_the_same_headings() -> None:
    headings = {
        variant.name: [line for line in (variant / "README.md").read_text().splitlines() if line.startswith("## ")]
        for variant in VARIANTS
    }
    assert len({tuple(found) for found in headings.values()}) == 1, headings


@by_name
def test_each_readme_names_every_file_of_its_folder(variant: Path) -> None:
    text = (variant / "README.md").read_text()
    files = {path.name for path in variant.iterdir() if path.is_file()} - {"__init__.py", "README.md"}
    assert {name for name in files if f"`{name}`" not in text} == set()


@pytest.mark.parametrize(
    ("module", "forbidden"),
    [
        ("model_in_db.app", MODEL_LIBRARIES),
        ("model_as_service.app", MODEL_LIBRARIES | {"fastapi", "uvicorn"}),
        ("webapp.factory", MODEL_LIBRARIES),
        ("webapp.gunicorn_conf", MODEL_LIBRARIES | {"flask", "sqlalchemy", "numpy", "PIL", "prometheus_client"}),
        ("webapp.front.worker", MODEL_LIBRARIES | {"flask", "sqlalchemy", "numpy", "PIL", "prometheus_client"}),
        ("imaging.decode", MODEL_LIBRARIES | {"flask", "sqlalchemy", "fastapi", "scipy"}),
        ("model_as_service.server.serving", {"webapp", "flask", "sqlalchemy"}),
        ("model_as_service.server.keeper", MODEL_LIBRARIES | {"fastapi", "uvicorn", "numpy"}),
        ("vision.classifier", {"webapp", "flask", "fastapi", "sqlalchemy"}),
        ("bench.cli", {"locust", "gevent", "webapp", "vision", "pandas"}),
        ("bench.latency.experiment", {"locust", "gevent", "webapp", "vision"}),
        ("bench.peers.experiment", {"locust", "gevent", "webapp", "vision"}),
        ("reports", {"bench", "webapp", "vision", "requests", "urllib3"}),
    ],
)
def test_what_a_process_loads(module: str, forbidden: set[str], tmp_path: Path) -> None:
    command = [sys.executable, "-c", f"import sys, {module}; print(*sys.modules)"]
    env = {**os.environ, "SWEETSPOT_DATA": str(tmp_path)}
    done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT, env=env)
    assert {name.split(".")[0] for name in done.stdout.split()} & forbidden == set()


def test_locust_is_imported_only_by_what_the_locust_process_runs() -> None:
    users = {
        str(path.relative_to(ROOT / "bench"))
        for path in (ROOT / "bench").rglob("*.py")
        if re.search(r"^\s*(import|from) (locust|gevent)", path.read_text(), re.MULTILINE)
    }
    assert users == {
        "locustfile.py",
        "calibration/plain_locustfile.py",
        "load/client.py",
        "load/coordinator.py",
        "load/dispatcher.py",
        "load/interrupts.py",
        "load/sender.py",
        "load/waiter.py",
        "peers/closed.py",
    }


def test_the_import_contracts_hold() -> None:
    done = subprocess.run(
        [Path(sys.executable).with_name("lint-imports")], check=False, capture_output=True, text=True, cwd=ROOT
    )
    assert done.returncode == 0, done.stdout
