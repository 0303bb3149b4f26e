"""`sweetspot run peers` as users run it, on the two peers that need no environment of their own."""

import csv
import os
import signal
from pathlib import Path

import psutil
import pyarrow.parquet as pq
import pytest

from bench.session.runfolder import REQUESTS, RESULTS
from tests.e2e.test_run import facts_of, finished, run_of, sweetspot
from tests.processes import wait_for

TINY = """
peers = ["sweetspot", "fastapi"]
blocks = 1
rounds = 1
slice_s = 0.4
warmup_s = 0.2
settle_s = 0.1
image_s = 0.2
slo_ms = 200
patience_s = 2.0
verdicts = false
overload = [{ load = 2, seconds = 0.6 }, { load = 5, seconds = 0.4 }]
"""


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("profile") / "tiny.toml"
    path.write_text(TINY)
    return path


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory, tiny: Path, catalogue: Path, models: Path) -> tuple[Path, str]:
    """One whole run."""
    out = tmp_path_factory.mktemp("runs")
    code, said, err = finished("run", "peers", "--profile", str(tiny), "--out", str(out), "--photos", str(catalogue))
    assert code == 0, err
    return run_of(out), said


@pytest.fixture(scope="module")
def cells(done: tuple[Path, str]) -> dict[tuple[str, str, str], dict[str, str]]:
    with (done[0] / "results.csv").open(newline="") as file:
        reader = csv.DictReader(file)
        rows = list(reader)
    assert tuple(reader.fieldnames or ()) == RESULTS
    return {(row["variant"], row["case"], row["metric"]): row for row in rows}


def test_a_run_leaves_its_files_and_prints_the_path_of_the_report_last(done: tuple[Path, str]):
    folder, said = done
    assert {path.name for path in folder.iterdir()} == {
        "run.json", "requests.parquet", "processes.parquet", "events.jsonl", "results.csv", "report.html", "logs",
    }  # fmt: skip
    assert Path(said.splitlines()[-1]) == folder / "report.html"
    assert "What does an inference server cost" in (folder / "report.html").read_text(encoding="utf-8")


def test_run_json_says_who_took_part_and_how_it_went(done: tuple[Path, str]):
    facts = facts_of(done[0])
    assert (facts["schema"], facts["state"], facts["settings"]["experiments"]) == (
        "sweetspot.run/1", "complete", "peers",
    )  # fmt: skip
    assert {each["name"]: (each["blocks"], each["failed"]) for each in facts["peers"]} == {
        "sweetspot": (1, ""), "fastapi": (1, ""),
    }  # fmt: skip
    for trial in facts["trials"]:
        assert trial["memory_bytes"] > 10_000_000
        assert [step["of_capacity"] for step in trial["steps"]] == [2, 5]
        slices = [each for rounds in trial["rounds"].values() for round_ in rounds for each in round_["slices"]]
        assert [each["clients"] for each in slices] == [8, 1, 8]
        assert all(each["failures"] == {} and each["n"] > 0 for each in slices)
        assert all(0 < each["turnaround_ms"] < 100 for each in slices)
    assert {check["verdict"] for check in facts["checks"]} == {"withheld"}


@pytest.mark.parametrize("name", ["sweetspot", "fastapi"])
def test_every_number_of_the_table_is_there(cells: dict[tuple[str, str, str], dict[str, str]], name: str):
    for case, metric in (
        ("no-op", "throughput"), ("no-op", "own_cost"), ("alone", "throughput"), ("alone", "share_of_bare"),
        ("8 clients", "throughput"), ("8 clients", "share_of_bare"), ("8 clients", "latency_p50"),
        ("8 clients", "client_turnaround"), ("8 clients", "memory"),
    ):  # fmt: skip
        assert float(cells[name, case, metric]["value"]) > 0 or metric == "own_cost"
        assert cells[name, case, metric]["low"] == ""  # one block has no interval
    no_op, model = (float(cells[name, case, "throughput"]["value"]) for case in ("no-op", "8 clients"))
    assert no_op > model
    assert {"goodput_share", "accepted_p99", "refused_share", "refusal_p50", "response_p50"} <= {
        metric for variant, case, metric in cells if (variant, case) == (name, "5 x capacity")
    }


def test_the_bare_loop_and_the_image_path_are_measured_too(cells: dict[tuple[str, str, str], dict[str, str]]):
    assert float(cells["bare loop", "no-op", "throughput"]["value"]) > float(
        cells["bare loop", "alone", "throughput"]["value"]
    )
    assert float(cells["bare loop", "image path", "ratio"]["value"]) < 1
    assert float(cells["bare loop", "image path", "agreement"]["value"]) >= 0.9


def test_every_request_of_the_overload_is_a_row_and_no_answer_is_wrong(done: tuple[Path, str]):
    table = pq.read_table(done[0] / "requests.parquet")
    assert table.schema.equals(REQUESTS)
    rows = table.to_pylist()
    assert {row["variant"] for row in rows} == {"sweetspot", "fastapi"}
    assert {row["case"] for row in rows} == {"2 x capacity", "5 x capacity"}
    assert {row["outcome"] for row in rows} <= {"ok", "refused", "timeout", "error"}
    assert sum(row["outcome"] == "ok" for row in rows) > 20


def test_ctrl_c_while_a_peer_is_measured_leaves_a_run_that_says_so_and_no_process(
    tmp_path: Path, tiny: Path, catalogue: Path
):
    argv = ["--profile", str(tiny), "--peers", "fastapi", "--out", str(tmp_path), "--photos", str(catalogue)]
    with sweetspot("run", "peers", *argv) as process:

        def measuring() -> list[psutil.Process]:
            family = psutil.Process(process.pid).children(recursive=True)
            assert any("server:app" in each.cmdline() for each in family)
            return family

        family = wait_for(measuring, (AssertionError, psutil.Error), process=process, seconds=60)
        os.kill(process.pid, signal.SIGINT)
        printed, err = process.communicate(timeout=60)
    assert process.returncode == 130, err

    def gone() -> None:
        assert [each for each in family if each.is_running() and each.status() != psutil.STATUS_ZOMBIE] == []

    wait_for(gone, (AssertionError, psutil.Error))
    facts = facts_of(run_of(tmp_path))
    assert (facts["state"], facts["trials"]) == ("interrupted", [])
    assert Path(printed.splitlines()[-1]).name == "report.html"
    assert "Traceback" not in printed + err


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (("peers", "--peers", "nobody"), "unknown peer 'nobody': known are"),
        (("peers", "--profile", "fast"), "unknown profile 'fast': known are smoke, quick, full"),
        (("peers", "latency"), "the experiment peers runs alone"),
        (("peers", "--variants", "embedded"), "takes neither --variants nor --expectations"),
        (("--peers", "fastapi"), "--peers is for the experiment peers"),
    ],
)
def test_wrong_usage_is_explained_in_a_line(argv: tuple[str, ...], message: str):
    code, out, err = finished("run", *argv)
    assert code == 2
    assert message in err
    assert "Traceback" not in out + err
