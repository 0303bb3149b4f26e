"""`sweetspot run peers` as users run it, on the two peers that need no environment of their own."""

import csv
import os
import signal
from pathlib import Path

import psutil
import pyarrow.parquet as pq
import pytest

from runfile.columns import REQUESTS, schema_of
from runfile.rows import RESULTS
from tests.e2e.test_run import facts_of, finished, run_of, sweetspot
from tests.processes import wait_for

SLICE_S = 1.0  # of eight clients: enough requests for a median, on a busy machine, too
TINY = f"""
[peers]
peers = ["sweetspot", "fastapi"]
blocks = 1
rounds = 1
slice_s = {SLICE_S}
warmup_s = 0.2
settle_s = 0.1
image_s = 0.2
slo_ms = 200
patience_s = 2.0
repeats = 1
verdicts = false
overload = [{{ load = 2, seconds = 0.6 }}, {{ load = 5, seconds = 0.4 }}]
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
    assert (facts["schema"], facts["state"], list(facts["experiments"])) == (
        "sweetspot.run/2", "complete", ["latency", "peers"],
    )  # fmt: skip
    found = facts["experiments"]["peers"]
    assert facts["experiments"]["latency"] is None
    assert {each["name"]: (each["blocks"], each["failed"]) for each in found["peers"]} == {
        "sweetspot": (1, ""), "fastapi": (1, ""),
    }  # fmt: skip
    for trial in found["trials"]:
        assert trial["memory_bytes"] > 10_000_000
        assert trial["canary_ms"] > 0
        assert trial["usage"]["wall_s"] > 1
        assert sorted({step["of_capacity"] for step in trial["overloads"]}) == [2, 5]
        rounds = [each for own in trial["rounds"].values() for each in own if not each["reason"]]
        slices = [each for one in rounds for each in one["slices"]]
        assert sorted(each["clients"] for each in slices) == [1, 8, 8]
        assert all(each["failures"] == {} and each["n"] > 0 for each in slices)
        assert all(0 < each["turnaround_ms"] < 100 for each in slices)
    assert {check["verdict"] for check in found["checks"]} == {"withheld"}
    gates = {(gate["gate"], gate["variant"]) for gate in found["gates"]}
    assert {
        (gate, name) for gate in ("G1", "G2", "G6-steal", "G6-canary") for name in ("sweetspot", "fastapi")
    } <= gates


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


def test_every_request_is_a_row_and_no_answer_is_wrong(done: tuple[Path, str]):
    table = pq.read_table(done[0] / "requests.parquet")
    assert table.schema.equals(schema_of(REQUESTS))
    rows = table.to_pylist()
    assert {(row["experiment"], row["variant"]) for row in rows} == {("peers", "sweetspot"), ("peers", "fastapi")}
    assert {row["case"] for row in rows} == {
        "no-op", "alone", "8 clients", "capacity", "2 x capacity", "5 x capacity",
    }  # fmt: skip
    assert {row["outcome"] for row in rows} <= {"ok", "refused", "timeout", "error"}
    for trial in facts_of(done[0])["experiments"]["peers"]["trials"]:
        for each in (s for own in trial["rounds"].values() for one in own for s in one["slices"]):
            same = [row for row in rows if (row["trial"], row["step"]) == (trial["trial"], each["step"])]
            assert sum(0 <= row["done_ns"] <= SLICE_S * 1e9 for row in same) == each["n"]


def test_results_can_be_derived_again_from_the_raw_files(done: tuple[Path, str]):
    results = (done[0] / "results.csv").read_text()
    (done[0] / "results.csv").write_text("")
    assert finished("report", str(done[0]))[0] == 0
    assert (done[0] / "results.csv").read_text() == results


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
    assert (facts["state"], facts["experiments"]["peers"]["trials"]) == ("interrupted", [])
    assert Path(printed.splitlines()[-1]).name == "report.html"
    assert "Traceback" not in printed + err


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (("peers", "--peers", "nobody"), "unknown peer 'nobody': known are"),
        (("peers", "--profile", "fast"), "unknown profile 'fast': known are smoke, quick, full"),
        (("peers", "--variants", "embedded"), "--variants and --expectations are for the experiments of the product"),
        (("--peers", "fastapi"), "--peers is for the experiment peers"),
    ],
)
def test_wrong_usage_is_explained_in_a_line(argv: tuple[str, ...], message: str):
    code, out, err = finished("run", *argv)
    assert code == 2
    assert message in err
    assert "Traceback" not in out + err
