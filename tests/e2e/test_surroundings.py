"""The command line where others have been: odd names, closed streams, settings of other programs, killed commands.

Nothing of it is a bug, nothing of it changes what is measured, and what was left out or left aside is told.
"""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from bench.processes.guarded import ROOT
from tests.processes import wait_for
from tests.unit.bench.toys import TINY, TOY, variant

SWEETSPOT = Path(sys.executable).with_name("sweetspot")
RUN = Path(__file__).parents[1] / "data" / "runs" / "v1-latency"
ODD = "a?b #c %41 {d} 'e' \"f\" @g,h [i] & *"


@contextmanager
def started(*argv: str | Path, shell: str = "", cwd: Path = ROOT, **variables: str) -> Iterator[subprocess.Popen[str]]:
    """Start the command as a user has it, in a shell that adds redirections."""
    command = ["/bin/sh", "-c", f'exec "$0" "$@" {shell}', str(SWEETSPOT), *map(str, argv)]
    env = {**os.environ, **variables}
    with subprocess.Popen(
        command, cwd=cwd, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, errors="replace"
    ) as process:
        try:
            yield process
        finally:
            if process.poll() is None:
                process.terminate()


def finished(*argv: str | Path, shell: str = "", cwd: Path = ROOT, **variables: str) -> tuple[int, str, str]:
    with started(*argv, shell=shell, cwd=cwd, **variables) as process:
        out, err = process.communicate(timeout=100)
    assert "a bug" not in out + err
    assert "Traceback" not in out + err
    return process.returncode, out, err


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return shutil.copytree(RUN, tmp_path / "run")


@pytest.mark.parametrize("shell", ["2>&-", ">&-", "<&-", "2>&- >&- <&-", "2>&1 | head -0", "> /dev/full 2>&-"])
def test_closed_streams_and_readers_who_leave(run: Path, shell: str):
    if shell.startswith("> /dev/full") and not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full")
    (run / "report.html").unlink(missing_ok=True)
    code, _, _ = finished("report", run, shell=shell)
    assert code == (2 if "full" in shell else 0)
    assert "</html>" in (run / "report.html").read_text(encoding="utf-8")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
@pytest.mark.parametrize("argv", [("report", RUN), ("report", "/nowhere"), ("--help",), ("run", "--seed", "x")])
def test_where_even_complaints_find_no_room_the_code_still_tells(argv: tuple[str | Path, ...], tmp_path: Path):
    mine = [shutil.copytree(RUN, tmp_path / "run") if each == RUN else each for each in argv]
    code, _, _ = finished(*mine, shell="> /dev/full 2>&1")  # noqa: S604
    assert code == 2


@pytest.mark.parametrize(
    "error", ["MemoryError()", "OSError(12, 'no memory')", "ImportError('x.so: failed to map segment from object')"]
)
def test_too_little_memory_is_told(error: str):
    script = f"import bench.cli as c\ntry: raise {error}\nexcept Exception as e: raise SystemExit(c.system_says_no(e))"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr[:29]) == (2, "sweetspot: not enough memory;"), done.stderr


@pytest.mark.parametrize("name", ["reports", "bench", "click"])
@pytest.mark.parametrize("by", ["PYTHONPATH", "the current folder"])
def test_packages_of_others_with_our_names(run: Path, tmp_path: Path, name: str, by: str):
    (tmp_path / name).mkdir()
    (tmp_path / name / "__init__.py").write_text("raise RuntimeError('not ours')")
    variables = {"PYTHONPATH": str(tmp_path)} if by == "PYTHONPATH" else {}
    code, out, err = finished("report", run, cwd=tmp_path, **variables)
    assert (code, out.strip()) == (0, str(run / "report.html")), err


@pytest.mark.parametrize("argv", [("run", "--out"), ("run", "--photos"), ("report",), ("up", "embedded", "--photos")])
def test_a_path_that_is_no_text_is_refused_before_anything_happens(argv: tuple[str, ...], tmp_path: Path):
    folder = tmp_path / os.fsdecode(b"caf\xe9")
    code, out, err = finished(*argv, folder)
    assert (code, out) == (2, "")
    assert r"caf\udce9 is not text in UTF-8" in err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "argv",
    [
        ("report", "x" * 5000), ("run", "--photos", "x" * 5000), ("run", "--variants", "x" * 5000),
        ("run", "--out", "/dev/null/x"), ("compare", "x" * 300, "y"), ("run", "--seed", "9" * 400),
        ("run", "--profile", "/dev/null/x.toml"), ("doctor", "--photos", "x" * 300),
    ],
)  # fmt: skip
def test_files_that_the_system_refuses_are_told(argv: tuple[str, ...]):
    code, _, err = finished(*argv)
    assert code == 2, err
    assert err.strip()


@pytest.mark.parametrize(
    "argv",
    [
        ("run", "--out", ""), ("run", "--photos", ""), ("run", "--expectations", ""), ("report", ""),
        ("compare", "", ""), ("doctor", "--out", ""), ("conformance", "http://127.0.0.1:1", "--bytes", ""),
    ],
)  # fmt: skip
def test_an_empty_path_is_not_the_current_folder(argv: tuple[str, ...], tmp_path: Path):
    code, out, err = finished(*argv, cwd=tmp_path)
    assert (code, out) == (2, "")
    assert "it is empty; give the path of a file or folder" in err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("argv", [("--help",), ("report", RUN), ("up", "embedded")])
def test_a_current_folder_that_has_been_removed_is_told(argv: tuple[str | Path, ...], tmp_path: Path):
    (tmp_path / "gone").mkdir()
    command = ["/bin/sh", "-c", 'rmdir "$PWD"; exec "$0" "$@"', str(SWEETSPOT), *map(str, argv)]
    done = subprocess.run(command, check=False, cwd=tmp_path / "gone", capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("sweetspot: cannot work here")


def test_a_library_that_would_not_start_with_a_setting_of_the_user_never_sees_it(run: Path):
    code, _, err = finished("report", run, PANDAS_FUTURE_INFER_STRING="x", MPLBACKEND="x")
    assert (code, err) == (0, "")


@pytest.mark.parametrize("argv", [("up", TOY), ("run", "--variants", TOY)])
def test_too_few_descriptors_are_told(argv: tuple[str | Path, ...], tmp_path: Path):
    command = ["/bin/sh", "-c", 'ulimit -n 64; exec "$0" "$@"', str(SWEETSPOT), *map(str, argv), "--photos", str(TOY)]
    done = subprocess.run(command, check=False, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("sweetspot: only 64 files and connections may be open at once")


def test_what_a_log_holds_does_not_reach_the_terminal_raw(tmp_path: Path):
    dying = "import sys; sys.exit('\\\\x1b[2J\\\\u202egone')"
    text = f'title = "B"\n[process.web]\nrun = ["{{python}}", "-c", "{dying}"]\nready = "/"\nroles = ["pages"]'
    code, _, err = finished("up", variant(tmp_path / "broken", text).folder, "--photos", TOY)
    assert code == 3
    assert r"\x1b[2J\u202egone" in err
    assert "\x1b" not in err


def test_a_log_that_a_failure_names_can_be_read(tmp_path: Path):
    dying = "import sys; sys.exit('gone')"
    text = f'title = "B"\n[process.web]\nrun = ["{{python}}", "-c", "{dying}"]\nready = "/"\nroles = ["pages"]'
    mine = variant(tmp_path / "broken", text).folder
    code, _, err = finished("up", mine, "--photos", TOY, TMPDIR=str(tmp_path))
    assert code == 3
    named = re.search(r"from (/.*/web\.log)", err)
    assert named, err
    assert "gone" in Path(named[1]).read_text(encoding="utf-8")
    assert [path.name for path in tmp_path.glob("sweetspot-*")] == [Path(named[1]).parent.name]


@pytest.mark.parametrize("numbers", [[signal.SIGINT] * 3, [signal.SIGTERM, signal.SIGINT, signal.SIGHUP]])
def test_ctrl_c_again_and_again_leaves_nothing(tmp_path: Path, numbers: list[signal.Signals]):
    """The web server takes its second to end, and whoever is impatient meanwhile does not cut that short."""
    text = (TOY / "stack.toml").read_text(encoding="utf-8").replace("{variant}", str(TOY))
    deaf = text.replace(
        '"{python}", "' + str(TOY), f'"/bin/sh", "-c", "trap : TERM; \'{sys.executable}\' $0 $1; sleep 1", "{TOY}'
    )
    mine = variant(tmp_path / "mine", deaf).folder
    with started("up", mine, "--photos", TOY, TMPDIR=str(tmp_path)) as process:
        for line in process.stdout or ():
            if line.startswith("Ctrl-C"):
                break
        family = psutil.Process(process.pid).children(recursive=True)
        first, *others = numbers
        process.send_signal(first)
        for line in process.stderr or ():
            if "stopping" in line:
                break
        for number in others:
            process.send_signal(number)
        process.communicate(timeout=30)
    assert process.returncode in {0, 130}
    assert not [each for each in family if each.is_running()]
    assert not list(tmp_path.glob("sweetspot-*"))


@pytest.mark.parametrize("name", ["bench", "bench.cli", "click", "pathlib"])
def test_ctrl_c_while_the_command_begins(name: str):
    script = f"""if True:
        import sys, sweetspot
        class Pressed:
            def find_spec(self, name, *_):
                if name == {name!r}:
                    raise KeyboardInterrupt
        sys.modules.pop({name!r}, None)
        sys.meta_path.insert(0, Pressed())
        sweetspot.main()
    """
    argv = [sys.executable, "-c", script]
    done = subprocess.run(argv, check=False, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout + done.stderr) == (130, "")


def test_what_a_killed_command_leaves_is_swept_by_the_next(tmp_path: Path):
    """Also where the temporary folder has an odd name."""
    temporary = tmp_path / ODD
    temporary.mkdir()
    argv, variables = ("up", TOY, "--photos", TOY), {"TMPDIR": str(temporary)}

    def left() -> set[Path]:
        found = set(temporary.glob("sweetspot-toy_variant-*/data/prepared"))
        assert found
        return found

    with started(*argv, **variables) as process:
        before = wait_for(left, process=process)
        process.kill()
    assert left() == before
    with started(*argv, **variables) as process:

        def swept() -> None:
            assert not left() & before

        wait_for(swept, process=process)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=20)
    assert list(temporary.iterdir()) == []


def test_the_product_among_settings_of_others(tmp_path: Path, catalogue: Path):
    """The variant as it is: two workers whatever gunicorn's variable says, its data where it belongs, and the control
    socket of the user's own gunicorn untouched."""
    temporary, photos, runtime = tmp_path / ODD, tmp_path / "photos", tmp_path / "run"
    for folder in (temporary, photos, runtime):
        folder.mkdir()
    shutil.copy(catalogue / "coffee-1.jpg", os.fsencode(photos) + b"/caf\xe9-1.jpg")
    (photos / "notes.txt").write_text("no photo")
    variables = {"TMPDIR": str(temporary), "XDG_RUNTIME_DIR": str(runtime), "GUNICORN_CMD_ARGS": "--workers 7"}
    with (
        socket.socket(socket.AF_UNIX) as control,
        started("up", "embedded", "--photos", photos, **variables) as process,
    ):
        control.bind(str(runtime / "gunicorn.ctl"))
        lines = iter(process.stdout or ())
        shown = "".join(line for line in iter(lambda: next(lines), "Ctrl-C stops everything.\n"))
        (web,) = (int(words[2]) for words in map(str.split, shown.splitlines()) if words[:2] == ["web", "pid"])
        assert len(psutil.Process(web).children()) == 2
        assert len(list(temporary.glob("*/data/sweetspot.db"))) == 1
        assert "photos left out: 1\n  'notes.txt'" in shown
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=20)
    assert "GUNICORN_CMD_ARGS" in err
    assert (runtime / "gunicorn.ctl").is_socket()
    assert not list(temporary.glob("sweetspot-*"))


# A toy whose catalogue lacks two photos, and whose web server says in its readiness what it finds in its environment.
LACKING = "import sys; print(sys.argv[1], file=sys.stderr)"


def test_a_run_among_settings_of_others(tmp_path: Path):
    """Variables, a path with everything in it, and photos that are left out: told, recorded, and without effect."""
    text = (TOY / "stack.toml").read_text(encoding="utf-8").replace("{variant}", str(TOY))
    told = f'["{{python}}", "-c", "{LACKING}", "left out: \'x.jpg\': The image is damaged."],'
    mine = variant(tmp_path / "mine", text.replace("[prepare]\nrun = [", f"[prepare]\nrun = [{told}")).folder
    out = tmp_path / ODD
    argv = ("run", "latency", "--profile", TINY, "--variants", mine, "--out", out, "--photos", TOY)
    others = {"GUNICORN_CMD_ARGS": "--workers 7", "OMP_NUM_THREADS": "7", "TOY_PREDICTION_MS": "0"}
    ours = {"SWEETSPOT_DATABASE_URL": "postgresql://me:secret@nowhere/x", "LOCUST_USERS": "9"}
    code, printed, err = finished(*argv, **others, **ours)
    assert code == 0, err
    dropped = ["GUNICORN_CMD_ARGS", "LOCUST_USERS", "OMP_NUM_THREADS", "SWEETSPOT_DATABASE_URL"]
    assert all(name in err for name in dropped)
    assert "secret" not in err
    (folder,) = out.iterdir()
    facts = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    assert set(dropped) <= set(facts["settings"]["variables_not_handed_on"].split(", "))
    assert facts["settings"]["photos_left_out"] == "'x.jpg': The image is damaged."
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert "1 photo left out" in page
    assert "x.jpg" in page
    assert "photos left out: 1\n  'x.jpg': The image is damaged." in printed
    assert printed.rstrip().endswith(str(folder / "report.html"))
