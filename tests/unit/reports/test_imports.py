"""What loading the reports costs and must not do, seen from a fresh process."""

import subprocess
import sys

HEAVY = ("matplotlib", "pandas", "pyarrow", "jinja2", "numpy", "scipy")


def loaded(code):
    """Which heavy libraries a fresh process has after running the code."""
    show = f"import sys; print(*[name for name in {HEAVY!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", f"{code}\n{show}"], capture_output=True, text=True, check=True)
    return done.stdout.split()


def test_nothing_heavy_is_loaded_on_import():
    assert loaded("import reports") == []


def test_rendering_needs_neither_pandas_nor_scipy(build):
    assert loaded(f"import reports, pathlib; reports.render(pathlib.Path({str(build())!r}))") == [
        "matplotlib",
        "pyarrow",
        "jinja2",
        "numpy",
    ]


def test_a_run_without_numbers_is_rendered_without_matplotlib(climb):
    folder = climb(run={"state": "failed"}, without=("requests.parquet", "results.csv"))
    assert "matplotlib" not in loaded(f"import reports, pathlib; reports.render(pathlib.Path({str(folder)!r}))")
