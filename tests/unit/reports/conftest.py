"""Run folders for the tests of the reports, written through `runfile` as bench writes them."""

import os
from pathlib import Path

import pyarrow as pa
import pytest

import reports
import runfile
from reports.reading import view
from runfile.columns import REQUESTS, schema_of
from runfile.facts import Experiments
from runfile.folder import RunFolder
from tests.unit.reports import simulated
from tests.unit.reports.pages import Page

GOLDEN = Path(__file__).parent / "golden"
RECORDED = Path(__file__).parents[2] / "data" / "runs"


def build_in(root, *, experiments=None, rows=None, requests=None, without=(), **changes):
    """Write the folder of a simulated run; every part may be replaced, or left out by naming it in `without`.

    `experiments` are what it found by name; `changes` are facts of run.json.
    """
    folder = RunFolder(root, "quick")
    found = {"latency": simulated.latency()} if experiments is None else experiments
    folder.save(experiments=Experiments(**found), **simulated.run(**changes))
    table = simulated.requests() if requests is None else requests
    folder.add_trial(pa.Table.from_pylist(list(table), schema=schema_of(REQUESTS)))
    folder.event("trial", number=1)
    folder.write_results(simulated.rows() if rows is None else rows)
    for name in without:
        (folder.path / name).unlink()
    return folder.path


@pytest.fixture
def build(tmp_path):
    """Build a run folder."""
    return lambda **parts: build_in(tmp_path, **parts)


@pytest.fixture
def climb(build):
    """Build a run of the latency experiment in which something else was found."""

    def folder(*, names=None, rows=None, requests=None, without=(), run=None, **found):
        changes = {} if names is None else {"variants": simulated.variants(names)}
        experiments = {"latency": simulated.latency(**found)}
        return build(experiments=experiments, rows=rows, requests=requests, without=without, **(changes | (run or {})))

    return folder


@pytest.fixture
def seen(climb):
    """Build such a run and read it as the room sees it."""

    def run(**parts):
        folder = runfile.read(climb(**parts))
        found = folder.run.experiments.latency
        return view.build(folder, "latency", found, [arm.name for arm in found.arms])

    return run


@pytest.fixture
def show(climb):
    """Build such a run, render it, return its page."""
    return lambda **parts: Page(reports.render(climb(**parts)).read_text(encoding="utf-8"))


@pytest.fixture
def golden():
    """Compare a page with the one that is kept; UPDATE_GOLDEN=1 keeps the new one."""

    def same(name, text):
        path = GOLDEN / name
        if os.environ.get("UPDATE_GOLDEN"):
            path.write_text(text, encoding="utf-8")
        assert text == path.read_text(encoding="utf-8")

    return same
