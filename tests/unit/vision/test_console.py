"""Numbers and streams of the commands: a mistake is one line, and what is closed is opened before anything else."""

import subprocess
import sys

import click
import pytest

from tests.conftest import ROOT
from vision.console import Finite


@pytest.mark.parametrize("text", ["nan", "-nan", "inf", "-inf", "1e300", "9" * 400, "0.99", "11", "", "soon"])
def test_what_is_no_finite_number_within_the_bounds_is_refused(text):
    with pytest.raises(click.BadParameter):
        Finite(1, 10).convert(text, None, None)


@pytest.mark.parametrize("text", ["1", "10", "2.5"])
def test_what_is_one_is_taken(text):
    assert Finite(1, 10).convert(text, None, None) == float(text)


@pytest.mark.parametrize("console", ["vision.console", "webapp.console"])
@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&-", "<&- 2>&-", "<&- >&- 2>&-"])
def test_closed_streams_are_opened_on_nothing_so_that_no_file_is_one_of_them(tmp_path, console, closed):
    path = tmp_path / "file"
    script = f"import sys, {console} as c; c.open_streams(); f = open({str(path)!r}, 'w'); f.write(str(f.fileno()))"
    script += "; print('out'); print('err', file=sys.stderr); sys.stdin.read()"
    argv = ["/bin/sh", "-c", f'"$0" -c "$1" {closed}', sys.executable, script]
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    assert done.returncode == 0, done.stderr
    assert int(path.read_text()) > 2
