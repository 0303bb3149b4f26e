"""Mistakes of whoever starts `locust -f bench/locustfile.py`, and failures within: a line, a code, no repeat."""

import itertools
import json
import os
import re
import signal
import urllib.request
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from bench.load.generator import Load
from bench.load.plan import Plan, begun
from bench.load.schedule import SECOND_NS, Schedule
from tests.e2e.locusts import Product, ask, complaints, ended, locust, network, processes, product, told
from tests.processes import free_port, wait_for

SHORT = ("--rate", "20", "--seconds", "1", "--warmup", "0")
LONG = ("--rate", "20", "--seconds", "60", "--warmup", "0")
COUNT = 20  # requests of SHORT
BREAKS = {"judge": 1, "tell": 1, "hand in": COUNT, "collect": COUNT, "merge": COUNT, "save": COUNT}  # sent until then


@pytest.fixture
def running() -> Iterator[Product]:
    """A product that counts what it is asked."""
    with product() as started:
        yield started


def refused(running: Product, *argv: str, sabotage: str = "") -> str:
    """Nothing is sent, one line says why, and the exit code is that of a mistake; return the line."""
    with locust("--headless", "--host", running.url, *SHORT, *argv, sabotage=sabotage) as process:
        code, out = ended(process)
    assert (code, running.asked) == (2, []), out
    (line,) = complaints(out)
    return line


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (("--rate", "fast"), "--rate 'fast' must be numbers above 0"),
        (("--mix", "everything=1"), "--mix 'everything=1' must look like"),
        (("--seconds", "soon"), "--seconds takes a number, not 'soon'"),
        (("--seconds", "inf"), "--seconds, --warmup and --deadline can be"),
        (("--deadline", "nan"), "--seconds and --deadline must be more than 0"),
        (("--rate", "1e12"), "a plan holds 10000000 at most"),
        (("--host", "http://127.0.0.1:9"), "got no answer"),
        (("--host", "http://127.0.0.1:99999"), "Port out of range"),
        (("--host", "http://nobody.invalid:80"), "got no answer"),
        (("--host", ""), "--host '' must look like http://127.0.0.1:8000: there is none"),
        (("--plan", "/"), "--plan / cannot be read"),
        (("--tags", "some"), "--tags and --exclude-tags mean nothing here"),
        (("--exclude-tags", "some", *processes()), "--tags and --exclude-tags mean nothing here"),
        (("--samples", "none/\x1b[2J/x"), r"cannot write to none/\x1b[2J/x: "),
    ],
)
def test_a_mistake_is_explained_in_a_line(running: Product, argv: tuple[str, ...], words: str):
    assert words in refused(running, *argv)


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (("--processes", "-5"), "Invalid --processes count -5"),
        (("NoSuchUser",), "Unknown User(s): NoSuchUser"),
        (("--master", "--worker"), "--master argument cannot be combined"),
        (("--master", "--expect-workers", "2", "--expect-workers-max-wait", "1"), "Gave up waiting for workers"),
    ],
)
def test_what_locust_itself_refuses_has_the_code_of_a_mistake(running: Product, argv: tuple[str, ...], words: str):
    network_of_its_own = network() if "--expect-workers" in argv else ()
    with locust("--headless", "--host", running.url, *SHORT, *argv, *network_of_its_own) as process:
        code, out = ended(process)
    assert (code, running.asked) == (2, []), out
    assert words in out


@pytest.mark.parametrize(
    "listed", ["", "[]", "{}", '{"photos": [7]}', '{"photos": [{"id": "\\ud800"}]}', "[" * 100_000]
)
def test_whatever_is_not_the_product_is_told_as_such(running: Product, listed: str):
    running.listed = listed
    assert running.url in refused(running)


def test_a_list_of_photos_without_end_is_not_awaited(running: Product, monkeypatch: pytest.MonkeyPatch):
    pages = (f'{{"photos": [{{"id": "{number}"}}], "next": "{number}"}}'.encode() for number in itertools.count(1))
    monkeypatch.setattr(running, "answer", lambda *_: next(pages))
    assert "did not list its photos within" in refused(running, sabotage="impatient")


@pytest.mark.parametrize(
    ("option", "place"),
    [
        *(("--samples", place) for place in ("a file/x", ".", "/dev/null", "x" * 300)),
        ("--html", "a file/x"),
        ("--json-file", "."),
    ],
)
def test_output_that_cannot_be_written_is_found_out_before_anything_is_sent(
    running: Product, tmp_path: Path, option: str, place: str
):
    (tmp_path / "a file").touch()
    line = refused(running, option, str(tmp_path / place))
    assert f"cannot write to {tmp_path / place}: " in line
    assert line.endswith(f"choose another {option}")
    assert Path("/dev/null").is_char_device()


@pytest.mark.parametrize("option", ["--csv", "--logfile"])
@pytest.mark.parametrize("several", [False, True])
def test_files_that_locust_opens_at_the_start_and_cannot_write_are_told_in_a_line(
    running: Product, tmp_path: Path, option: str, *, several: bool
):
    (place := tmp_path / "file").touch()
    argv = ("--headless", "--host", running.url, *SHORT, *(processes() if several else ()))
    with locust(*argv, option, str(place / "x")) as process:
        code, out = ended(process)
        nobody_left(process.pid)
    (line,) = (line for line in out.splitlines() if "cannot write to " in line)
    assert (code, running.asked) == (2, []), out
    assert line.endswith(f"cannot write to {place}: File exists; choose another --csv or --logfile")


@pytest.mark.parametrize("several", [False, True])
def test_a_process_that_never_gets_ready_is_not_awaited_for_ever(running: Product, *, several: bool):
    line = refused(running, *(processes() if several else ()), sabotage="nobody ready")
    count = 2 if several else 1
    assert line == f"{count} of {count} processes did not get ready to send in time"


def test_a_folder_that_does_not_exist_is_found_out_by_several_processes_too(running: Product, tmp_path: Path):
    line = refused(running, "--samples", str(tmp_path / "none" / "x.parquet"), *processes())
    assert "No such file or directory" in line


@pytest.mark.parametrize("sabotage", ["start", "prepare"])
@pytest.mark.parametrize("several", [False, True])
def test_a_bug_before_anything_is_sent_ends_the_test(running: Product, sabotage: str, *, several: bool):
    line = refused(running, *(processes() if several else ()), sabotage=sabotage)
    assert "a bug in the load generator: RuntimeError(" in line


@pytest.mark.parametrize(
    ("sabotage", "several"),
    [*((name, False) for name in BREAKS), ("judge", True), ("hand in", True), ("collect", True)],
)
def test_a_bug_afterwards_ends_the_test_and_repeats_nothing(
    running: Product, tmp_path: Path, sabotage: str, *, several: bool
):
    argv = ("--headless", "--host", running.url, *SHORT, "--samples", str(tmp_path / "x.parquet"))
    with locust(*argv, *(processes() if several else ()), sabotage=sabotage) as process:
        code, out = ended(process)
    assert code == 1, out
    assert "a bug in the load generator: RuntimeError(" in complaints(out)[0]
    least = 1 if several else BREAKS[sabotage]  # the first process that fails ends the test for all
    assert least <= len(running.asked) <= COUNT, "nothing was sent again"


def test_what_was_measured_is_kept_elsewhere_when_its_folder_has_gone(
    running: Product, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    folder, elsewhere = tmp_path / "folder", tmp_path / "elsewhere"
    folder.mkdir()
    elsewhere.mkdir()
    monkeypatch.setenv("TMPDIR", str(elsewhere))
    answer = running.answer

    def vanishing(*of: str) -> bytes:
        if running.asked and folder.exists():
            folder.rmdir()
        return answer(*of)

    monkeypatch.setattr(running, "answer", vanishing)
    with locust("--headless", "--host", running.url, *SHORT, "--samples", str(folder / "x.parquet")) as process:
        code, out = ended(process)
    (kept,) = elsewhere.iterdir()
    (line,) = complaints(out)
    assert (code, line.endswith(f"what was measured is in {kept}")) == (1, True), out
    assert set(Load.read(kept).outcome) == {"ok"}


def test_without_room_anywhere_that_is_said_and_nothing_repeated(running: Product, tmp_path: Path):
    argv = ("--headless", "--host", running.url, *SHORT, "--samples", str(tmp_path / "x.parquet"))
    with locust(*argv, sabotage="full disk") as process:
        code, out = ended(process)
    (line,) = complaints(out)
    assert (code, len(running.asked)) == (1, COUNT), out
    assert "No space left on device; what was measured is lost" in line


@pytest.mark.parametrize("several", [False, True])
def test_an_answer_with_half_a_character_costs_nothing(running: Product, tmp_path: Path, *, several: bool):
    running.prediction = running.prediction.replace('"live"', '"\\ud800"')
    samples = tmp_path / "samples.parquet"
    argv = ("--headless", "--host", running.url, *SHORT, "--mix", "prediction=1", "--samples", str(samples))
    with locust(*argv, *(processes() if several else ())) as process:
        code, out = ended(process)
    assert code == 0, out
    assert set(pq.read_table(samples)["source"].to_pylist()) == {"?"}


def test_a_path_in_the_host_goes_ahead_of_every_request(running: Product):
    with locust("--headless", "--host", f"{running.url}/under/this/", *SHORT) as process:
        code, out = ended(process)
    assert (code, len(running.asked)) == (0, COUNT), out
    assert all(path.startswith(("/under/this/api/photos/", "/under/this/photos/")) for path in running.asked)


def stopped(running: Product, samples: Path, number: signal.Signals, *argv: str, group: bool) -> Counter[str]:
    """Stop a test once answers have come; return how often there was which outcome."""
    with locust("--headless", "--host", running.url, *LONG, "--samples", str(samples), *argv) as process:
        wait_for(lambda: running.asked[10], (IndexError,), process=process)
        (os.killpg if group else os.kill)(process.pid, number)
        code, out = ended(process)
    assert (code, complaints(out)) == (0, []), out
    assert "requests were not sent: the test was stopped" in out
    return Counter(Load.read(samples).outcome.tolist())


@pytest.mark.parametrize(
    ("number", "group", "several"),
    [
        *((number, False, False) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)),
        *((number, group, True) for number in (signal.SIGINT, signal.SIGTERM) for group in (False, True)),
    ],
)
def test_what_was_measured_until_a_test_is_stopped_is_kept(
    running: Product, tmp_path: Path, number: signal.Signals, *, group: bool, several: bool
):
    """Ctrl-C in a terminal reaches all processes of the group, `kill` only one."""
    argv = processes() if several else ()
    outcomes = stopped(running, tmp_path / "samples.parquet", number, *argv, group=group)
    asked = len(running.asked)
    assert set(outcomes) <= {"ok", "lost", "unsent"}
    assert asked - 4 <= outcomes["ok"] <= asked
    assert outcomes.total() == 1200


def test_a_master_that_is_stopped_keeps_what_its_workers_measured(running: Product, tmp_path: Path):
    samples, meet = tmp_path / "samples.parquet", network()
    argv = ("--master", "--headless", "--expect-workers", "1", "--host", running.url, "--samples", str(samples), *meet)
    with (
        locust(*argv, *LONG) as master,
        locust("--worker", "--master-host", "127.0.0.1", "--master-port", meet[-1]) as worker,
    ):
        wait_for(lambda: running.asked[10], (IndexError,), process=master)
        master.send_signal(signal.SIGINT)
        code, out = ended(master)
        worker_code, _ = ended(worker)
    assert (code, worker_code, complaints(out)) == (0, 0, []), out
    assert Counter(Load.read(samples).outcome.tolist())["ok"] >= len(running.asked) - 4


def test_who_stops_before_anything_is_sent_is_told_so(running: Product, tmp_path: Path):
    with locust("--headless", "--host", running.url, *LONG, "--plan", str(tmp_path / "never.json")) as process:
        told(process, "Shape worker starting")
        process.send_signal(signal.SIGINT)
        code, out = ended(process)
    assert (code, running.asked) == (2, []), out


def test_who_stops_while_workers_are_waited_for_sees_no_traceback(running: Product):
    argv = ("--master", "--headless", "--expect-workers", "2", "--host", running.url, *network())
    with locust(*argv) as process:
        told(process, "Starting Locust")
        process.send_signal(signal.SIGINT)
        _, out = ended(process)
    assert "interrupted" in out
    assert running.asked == []


def nobody_left(group: int) -> None:
    """Wait until every process of a group has ended."""

    def gone() -> None:
        with pytest.raises(ProcessLookupError):
            os.killpg(group, 0)

    wait_for(gone, (pytest.fail.Exception,), seconds=10)


@pytest.mark.parametrize("several", [False, True])
def test_who_stops_between_the_start_and_the_first_request_gets_no_file_of_nothing(
    running: Product, tmp_path: Path, *, several: bool
):
    samples, plan = tmp_path / "samples.parquet", tmp_path / "plan.json"
    zeros = np.zeros(2, dtype=np.int64)
    late = Schedule(("page",), zeros + 60 * SECOND_NS, zeros, zeros, zeros)
    plan.write_text(json.dumps(Plan([running.url], late, [{"id": "1", "path": "1"}], 1.0).facts()), encoding="utf-8")
    argv = ("--headless", "--plan", str(plan), "--samples", str(samples), *(processes() if several else ()))
    with locust(*argv) as process:
        wait_for(lambda: begun(plan).stat(), (OSError,), process=process)
        os.killpg(process.pid, signal.SIGINT)
        code, out = ended(process)
    assert (code, samples.exists(), running.asked) == (2, False, []), out
    assert complaints(out) == ["the test was stopped before anything was sent, so nothing is written"]


@pytest.mark.parametrize(("moment", "several"), [("import", False), ("import", True), ("fork", True)])
def test_who_stops_while_locust_starts_sees_a_line_and_leaves_nobody(
    running: Product, tmp_path: Path, moment: str, *, several: bool
):
    samples = tmp_path / "samples.parquet"
    argv = ("--headless", "--host", running.url, *SHORT, "--samples", str(samples), *(processes() if several else ()))
    with locust(*argv, sabotage=f"interrupt at {moment}") as process:
        code, out = ended(process)
        nobody_left(process.pid)
    assert (code, samples.exists(), running.asked) == (2, False, []), out


@pytest.mark.parametrize("several", [False, True])
def test_who_presses_ctrl_c_again_and_again_cuts_nothing_off(running: Product, tmp_path: Path, *, several: bool):
    samples = tmp_path / "samples.parquet"
    argv = ("--headless", "--host", running.url, *LONG, "--samples", str(samples), *(processes() if several else ()))
    with locust(*argv) as process:
        wait_for(lambda: running.asked[10], (IndexError,), process=process)

        def pressed() -> None:
            os.killpg(process.pid, signal.SIGINT)
            assert process.poll() is not None

        wait_for(pressed)
        code, out = ended(process)
        nobody_left(process.pid)
    assert (code, complaints(out)) == (0, []), out
    assert Counter(Load.read(samples).outcome.tolist())["ok"] >= len(running.asked) - 4


def test_workers_whose_master_is_gone_end_soon(running: Product):
    with locust("--headless", "--host", running.url, *LONG, *processes()) as process:
        wait_for(lambda: running.asked[10], (IndexError,), process=process)
        process.kill()
        ended(process)
        nobody_left(process.pid)


@pytest.mark.parametrize("several", [False, True])
def test_on_the_web_page_a_mistake_ends_a_test_with_words_and_the_next_one_is_sent(
    running: Product, tmp_path: Path, *, several: bool
):
    port, wrong = str(free_port()), str(tmp_path / "none" / "x.parquet")
    page = f"http://127.0.0.1:{port}"
    form = {"user_count": "1", "spawn_rate": "1", "host": running.url, "rate": "20", "seconds": "1", "warmup": "0"}
    argv = ("--host", running.url, "--web-host", "127.0.0.1", "--web-port", port, *(processes() if several else ()))
    mistakes = {
        "rate": "fast", "host": "http://h:99999", "samples": wrong, "arrivals": "never", "seconds": "soon",
        "plan": str(tmp_path / "plan.json"),
    }  # fmt: skip

    def over(words: str, asked: int) -> None:
        assert [words in each["msg"] for each in ask(f"{page}/exceptions")["exceptions"]] == [True] * bool(words)
        assert (state(page), len(running.asked)) == ("stopped", asked)

    def tried(words: str, asked: int, **changes: str) -> None:
        ask(f"{page}/swarm", **{**form, "samples": "", "arrivals": "poisson", "plan": "", **changes})
        wait_for(lambda: over(words, asked), process=process)

    with locust(*argv) as process:
        wait_for(lambda: ask(f"{page}/stats/requests"), (OSError,), process=process)
        wait_for(lambda: several_ready(page, 2 if several else 0), process=process)
        for field, value in mistakes.items():
            tried(value, 0, **{field: value})
        tried("", COUNT)


def test_the_web_page_has_a_field_for_every_option_but_the_plan():
    page = f"http://127.0.0.1:{(port := free_port())}"
    with locust("--host", "http://127.0.0.1:9", "--web-host", "127.0.0.1", "--web-port", str(port)) as process:
        wait_for(lambda: ask(f"{page}/stats/requests"), (OSError,), process=process)
        with urllib.request.urlopen(page, timeout=10) as answer:
            found = answer.read().decode()
    fields = set(re.findall(r'"(\w+)": {"choices"', found))
    assert fields == {"rate", "seconds", "warmup", "mix", "arrivals", "seed", "deadline", "samples"}


def state(page: str) -> str:
    """The state of the test as the page itself has it: what is asked for as JSON is up to two seconds old."""
    with urllib.request.urlopen(page, timeout=10) as answer:
        found = re.search(r'"state": "(\w+)"', answer.read().decode())
    assert found is not None
    return found[1]


def several_ready(page: str, count: int) -> None:
    """So many workers have come."""
    assert len(ask(f"{page}/stats/requests").get("workers", ())) == count
