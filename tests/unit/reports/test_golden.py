"""A whole page for each experiment, word by word. After an intended change, set UPDATE_GOLDEN=1 and read the diff."""

import shutil

import pytest

import reports
from tests.unit.reports.conftest import RECORDED
from tests.unit.reports.pages import plain


@pytest.mark.parametrize("name", ["latency", "peers"])
def test_a_recorded_run_of_version_1(name, golden, tmp_path):
    folder = shutil.copytree(RECORDED / f"v1-{name}", tmp_path / name)
    golden(f"{name}.html", plain(reports.render(folder).read_text(encoding="utf-8")))


def test_a_simulated_run_with_turns(build, golden):
    golden("turns.html", plain(reports.render(build()).read_text(encoding="utf-8")))
