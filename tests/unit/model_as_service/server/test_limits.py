"""What a serving process sets for itself, in a process that it may change."""

import subprocess
import sys

from tests.conftest import ROOT

SCRIPT = """
import os, resource, signal
from model_as_service.server.limits import STRAY, ignore_strays, raise_files
resource.setrlimit(resource.RLIMIT_NOFILE, (100, 200))
raise_files()
assert resource.getrlimit(resource.RLIMIT_NOFILE) == (200, 200)
ignore_strays()
for number in STRAY:
    os.kill(os.getpid(), number)
"""


def test_descriptors_and_signals() -> None:
    assert subprocess.run([sys.executable, "-c", SCRIPT], cwd=ROOT, timeout=30, check=False).returncode == 0
