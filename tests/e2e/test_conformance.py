"""`sweetspot conformance` as a user types it: our own inference server fulfils everything, extensions included."""

import json
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.processes import free_port, wait_for

SWEETSPOT = Path(sys.executable).with_name("sweetspot")
EXTENSIONS = ["binary_tensor_data", "model_repository", "classification", "statistics", "schedule_policy"]
# Its one input has one dimension: flat and nested data are the same.
DOES_NOT_APPLY = {"infer-nested"}


@pytest.fixture(scope="module")
def server(models: Path) -> Iterator[str]:
    port = free_port()
    command = [sys.executable, "-m", "model_as_service.server", "--models", models, "--version", "1", "--repository"]
    with subprocess.Popen([*map(str, command), "--port", str(port)], cwd=ROOT) as process:
        url = f"http://127.0.0.1:{port}"
        try:
            wait_for(lambda: urllib.request.urlopen(f"{url}/v2/health/ready"), (urllib.error.URLError,), process)
            yield url
        finally:
            process.terminate()


def conformance(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [SWEETSPOT, "conformance", *map(str, arguments)]
    return subprocess.run(command, check=False, cwd=ROOT, capture_output=True, text=True)


@pytest.mark.parametrize("version", [[], ["--version", "1"]])
def test_our_server_fulfils_all_of_it(server: str, version: list[str], tmp_path: Path, catalogue: Path) -> None:
    out = tmp_path / "found.json"
    done = conformance(server, "--bytes", catalogue / "coffee-1.jpg", "--json", out, *version)
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(out.read_text())
    assert found["advertised"] == EXTENSIONS
    not_passed = {check["id"]: check["seen"] for check in found["checks"] if check["verdict"] != "pass"}
    assert not_passed.keys() == DOES_NOT_APPLY, not_passed
    assert " of " in done.stdout.splitlines()[-1]


def test_what_the_user_got_wrong_is_said(server: str) -> None:
    unknown = conformance(server, "--model", "nothing")
    assert (unknown.returncode, "--model" in unknown.stderr) == (2, True)
    nobody = conformance(f"http://127.0.0.1:{free_port()}")
    assert (nobody.returncode, "is the server running?" in nobody.stderr) == (3, True)
    assert conformance("localhost").returncode == 2
