"""What loading the reports costs and must not do, seen from a fresh process."""

import subprocess
import sys

HEAVY = ("matplotlib", "pandas", "pyarrow", "jinja2", "numpy", "scipy")


def test_nothing_heavy_is_loaded_on_import():
    code = f"import sys, reports; print([name for name in {HEAVY!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
