"""The live stacks under schemathesis: whatever is sent, the answer is one that the contract describes."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from bench.stacks.running import RunningStack
from tests.conftest import ROOT

FUZZ = Path(__file__).with_name("fuzz")
# A first look on every run of the tests; SWEETSPOT_FUZZ_EXAMPLES=1000 sends more than 10,000 requests to each stack.
EXAMPLES = os.environ.get("SWEETSPOT_FUZZ_EXAMPLES", "25")


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("live_database", ["sqlite"], indirect=True, scope="module")
def test_every_answer_is_in_the_contract(live_stack: RunningStack) -> None:
    command = [sys.executable, "-m", "schemathesis.cli", "--config-file", FUZZ / "schemathesis.toml", "run"]
    command += [ROOT / "webapp" / "openapi.yaml", "--url", live_stack.base_url, "--max-examples", EXAMPLES]
    done = subprocess.run(
        [*map(str, command)],
        check=False,
        cwd=ROOT,
        env=os.environ | {"SCHEMATHESIS_HOOKS": "tests.contract.fuzz.hooks"},
        capture_output=True,
        text=True,
    )
    # Without the bodies, which are photos: no line of schemathesis' own is that long.
    said = "\n".join(line for line in done.stdout.splitlines() if len(line) < 500)
    print(said[-1500:])  # noqa: T201  (how many requests, for whoever runs it with -s)
    assert done.returncode == 0, said[-10_000:] + done.stderr[-2000:]
    logs = "".join(path.read_text() for path in live_stack.place.logs.rglob("*") if path.is_file())
    assert "Traceback" not in logs, logs[-3000:]
