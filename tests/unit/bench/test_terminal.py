"""What reaches a terminal, in a process of its own where streams are closed or nobody reads them."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

from bench.exits import UsageProblem
from bench.processes.guarded import ROOT
from bench.terminal import check_names, plain, rounded

SPEAK = "from bench.terminal import open_streams, say; open_streams(); say('out'); say('err', err=True)"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31mred\x1b[0m", r"\x1b[31mred\x1b[0m"),
        ("\x1b]0;title\x07", r"\x1b]0;title\x07"),
        ("a\rb\x08c\x00\x7f", r"a\rb\x08c\x00\x7f"),
        ("\x9b31m", r"\x9b31m"),
        ("user\u202egnp.exe", r"user\u202egnp.exe"),
        ("\u2066\u2069\u200f\u061c", r"\u2066\u2069\u200f\u061c"),
        ("\u2028\u2029\ufeff\udcff", r"\u2028\u2029\ufeff\udcff"),
        ("two\nlines\tand a tab", "two\nlines\tand a tab"),
        ("Grüße, 你好, שלום, 👩\u200d🔬, 5\xa0ms, ±3 %", "Grüße, 你好, שלום, 👩\u200d🔬, 5\xa0ms, ±3 %"),
    ],
)
def test_what_a_terminal_would_obey_or_hide_is_escaped_and_all_else_stays(text: str, shown: str):
    assert plain(text) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [(1662.4, "1,660"), (0.12345, "0.123"), (float("inf"), "inf"), (1.2345e8, "123,000,000"), (None, "-")],
)
def test_a_number_has_three_digits_and_no_exponent(value: float | None, shown: str):
    assert rounded(value) == shown


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&-", ">&- 2>&-", "<&- >&- 2>&-"])
def test_a_closed_stream_is_no_reason_to_fail_nor_to_print_into_files(closed: str, tmp_path: Path):
    script = f"{SPEAK}; open({str(tmp_path / 'file')!r}, 'w').close(); say('more'); say('more', err=True)"
    command = f'{sys.executable} -c "$0" {closed}'
    done = subprocess.run(["/bin/sh", "-c", command, script], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "file").read_bytes() == b""
    assert "Traceback" not in done.stdout + done.stderr


@pytest.mark.parametrize("which", ["stdout", "stderr"])
def test_where_the_reader_has_gone_the_work_goes_on(which: str):
    reader, writer = os.pipe()
    os.close(reader)
    script = f"{SPEAK}; [say('x' * 100_000, err=err) for err in (True, False)]"
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, which: writer}
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, text=True, check=False, **streams)
    os.close(writer)
    assert done.returncode == 0
    assert "xxx" in (done.stderr if which == "stdout" else done.stdout)


def test_any_text_can_be_printed_in_any_encoding():
    script = "from bench.terminal import open_streams, say; open_streams(); say('\\xb1'); print('\\udcff \\u4f60')"
    env = {**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0", "LC_ALL": "C", "PYTHONCOERCECLOCALE": "0"}
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, env=env, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_name_that_is_no_text_is_refused():
    check_names(["Grüße", "a b"])
    with pytest.raises(UsageProblem, match=r"caf\\udce9 is not text in UTF-8"):
        check_names(["run", os.fsdecode(b"caf\xe9")])


def test_nobody_in_the_harness_prints_but_the_terminal():
    allowed = {"terminal.py", "load/known_server.py", "machine/canary.py", "peers/closed.py"}  # children, to be read
    found = set()
    for path in (ROOT / "bench").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in {"print", "click.echo", "sys.stdout.write"}:
                found.add(str(path.relative_to(ROOT / "bench")))
    assert {name for name in found if not name.endswith("/server.py")} <= allowed
