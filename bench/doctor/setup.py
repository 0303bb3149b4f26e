"""The doctor's look at the set-up. With the standard library only: to see what is missing is what it is for."""

import hashlib
import importlib.metadata
import platform
import re
import subprocess
import sys
import tomllib
from pathlib import Path

from bench.doctor.finding import Finding, ok, stops, warning
from bench.processes.guarded import ROOT, environment

PIN = re.compile(r"^([\w.-]+)==([^\s;]+)(?: ; (.*?))?(?: \\)?$", re.MULTILINE)  # name==version ; marker \\
SET_UP = "run `make setup`"
ASK_ONNX_RUNTIME = "import onnxruntime as o; print(o.__version__, *o.get_available_providers())"
CUDA = "CUDAExecutionProvider"
DEADLINE_S = 30


def look_at_setup(photos: Path, root: Path = ROOT) -> list[Finding]:
    """Return all findings that need no package of ours."""
    return [packages(root), runtime(), models(root / "models"), pictures(photos)]


def installed(package: str) -> str | None:
    """Return the version of a package, None when it is not installed."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def packages(root: Path) -> Finding:
    """Compare what is installed with what is pinned; a package for other systems only may be missing."""
    what = "Python and packages"
    if installed("onnxruntime") and installed("onnxruntime-gpu"):
        both = "onnxruntime and onnxruntime-gpu are both installed, in the same folder"
        return stops(what, both, "run `make clean`, then `make setup`")
    if installed("packaging") is None:
        return stops(what, "missing: packaging, and perhaps others", SET_UP)
    name = "gpu" if installed("onnxruntime-gpu") else "cpu"
    try:
        pins = pinned((root / "requirements" / f"{name}.txt").read_text(encoding="utf-8"))
    except OSError as error:
        return warning(what, f"the pinned versions cannot be read ({error.strerror})", "check the repository")
    missing = [package for package in pins if installed(package) is None]
    if missing:
        return stops(what, f"missing: {', '.join(missing)}", SET_UP)
    other = [package for package, version in pins.items() if installed(package) != version]
    if other:
        return warning(what, f"not the pinned version: {', '.join(other)}", f"{SET_UP}; results may not compare")
    return ok(what, f"Python {platform.python_version()}, {len(pins)} packages as pinned ({name})")


def pinned(text: str) -> dict[str, str]:
    """Return the versions of all packages that this system and this Python need."""
    from packaging.markers import Marker

    return {name: version for name, version, marker in PIN.findall(text) if not marker or Marker(marker).evaluate()}


def runtime() -> Finding:
    """Ask ONNX Runtime, in a process of its own, on what it can compute, and the NVIDIA driver whether it is there."""
    what = "ONNX Runtime"
    answer = output([sys.executable, "-P", "-c", ASK_ONNX_RUNTIME])
    if answer is None:
        return stops(what, "cannot be loaded", SET_UP)
    version, *providers = answer.split()
    gpus = output(["nvidia-smi", "-L"])
    if not gpus:
        return ok(what, f"{version} on the CPU (no NVIDIA driver answers)")
    gpu = gpus.splitlines()[0].partition(" (UUID")[0]
    if CUDA not in providers:
        return warning(what, f"{version} on the CPU, beside an idle {gpu}", "run `make setup ACCELERATOR=gpu`")
    return ok(what, f"{version} on {gpu}")


def output(argv: list[str]) -> str | None:
    """Return what a command prints, None when there is no such command, or it fails or hangs."""
    try:
        done = subprocess.run(argv, capture_output=True, text=True, check=True, timeout=DEADLINE_S, env=environment())
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()


def models(folder: Path) -> Finding:
    """Check that there are models, and that each file is the one that its description was written for."""
    what = "Models"
    found = {str(file.parent.relative_to(folder)): intact(file) for file in sorted(folder.glob("*/*/model.toml"))}
    damaged = [name for name, good in found.items() if not good]
    if damaged:
        return stops(what, f"damaged: {', '.join(damaged)}", "remove the folder models, then run `make setup`")
    return ok(what, f"{', '.join(found)}, intact") if found else stops(what, f"none in {folder}", SET_UP)


def intact(description: Path) -> bool:
    """Whether the model beside its description has the checksum that is written there."""
    try:
        expected = str(tomllib.loads(description.read_text(encoding="utf-8"))["sha256"])
        with description.with_name("model.onnx").open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest() == expected
    except (OSError, ValueError, KeyError):
        return False


def pictures(folder: Path) -> Finding:
    """Check that there are photos."""
    count = sum(path.is_file() for path in folder.iterdir()) if folder.is_dir() else 0
    return ok("Photos", f"{count} in {folder}") if count else stops("Photos", f"none in {folder}", SET_UP)
