"""The command line as users run it, on the toy variant: a run leaves everything that it promises, in every ending."""

import csv
import json
import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from bench.processes.guarded import ROOT
from runfile import read
from runfile.columns import PROCESSES, REQUESTS, schema_of
from runfile.rows import RESULTS
from tests.processes import free_port, wait_for
from tests.unit.bench.toys import TINY, TOY, copy_of_toy, variant

TURN = 16  # requests: 0.4 s of 20 predictions, 10, 5 and 5 bystanders a second
PHOTOS = ("--photos", str(TOY))  # the toy has photos of its own, so any folder that is not empty will do


@contextmanager
def sweetspot(*argv: str) -> Iterator[subprocess.Popen[str]]:
    """Start the command line; it ends with the test, in order, so that what it started ends too."""
    command = [sys.executable, "-m", "bench.cli", *argv]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            if process.poll() is None:
                process.terminate()


def finished(*argv: str) -> tuple[int, str, str]:
    with sweetspot(*argv) as process:
        out, err = process.communicate(timeout=100)
        return process.returncode, out, err


def run_of(out: Path) -> Path:
    (folder,) = out.iterdir()
    return folder


def facts_of(folder: Path) -> dict:
    return json.loads((folder / "run.json").read_text())


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """One whole run of two toys."""
    tmp_path = tmp_path_factory.mktemp("run")
    variants = f"{TOY},{copy_of_toy(tmp_path, 'twin')}"
    code, out, err = finished(
        "run", "latency", "--profile", str(TINY), "--variants", variants, "--out", str(tmp_path / "runs"), *PHOTOS
    )
    assert code == 0, err
    return run_of(tmp_path / "runs"), out


def test_a_run_leaves_all_its_files_and_prints_the_path_of_the_report_last(done: tuple[Path, str]):
    folder, out = done
    files = {path.name for path in folder.iterdir()}
    expected = {
        "run.json",
        "requests.parquet",
        "processes.parquet",
        "events.jsonl",
        "results.csv",
        "report.html",
        "logs",
    }
    assert files == expected
    assert Path(out.splitlines()[-1]) == folder / "report.html"
    assert "toy_variant" in (folder / "report.html").read_text(encoding="utf-8")


def test_run_json_says_what_was_done_and_that_it_may_be_used(done: tuple[Path, str]):
    facts = facts_of(done[0])
    assert set(facts) == {
        "schema", "id", "profile", "state", "started_at", "finished_at", "seed", "command", "settings", "machine",
        "versions", "variants", "null", "gates", "experiments", "validity",
    }  # fmt: skip
    assert (facts["schema"], facts["state"], facts["id"]) == ("sweetspot.run/2", "complete", done[0].name)
    assert [each["name"] for each in facts["variants"]] == ["toy_variant", "twin"]
    assert facts["variants"][0]["model"] == {"name": "toy", "version": "1", "provider": "none"}
    assert facts["variants"][0]["processes"][0]["roles"] == ["model", "pages"]
    assert {gate["gate"] for gate in facts["gates"]} == {"cores", "G5-lag", "G5-service"}


def test_the_experiment_tells_its_trials_and_its_gates(done: tuple[Path, str]):
    found = facts_of(done[0])["experiments"]["latency"]
    assert {gate["gate"].partition("-")[0] for gate in found["gates"]} == {
        "G1", "G2", "G3", "G4", "G6", "G7", "G8", "G9", "G10", "A2",
    }  # fmt: skip
    turns, *staircases = found["trials"]
    assert (turns["variant"], {each["variant"] for each in staircases}) == ("", {"toy_variant", "twin"})
    assert [step["reason"] for step in turns["steps"]] == ["warm-up", "warm-up", "", "", "", ""]
    assert sum(step["scheduled"] for step in turns["steps"] if not step["reason"]) == 4 * TURN
    for trial in staircases:
        assert (trial["scheduled"], trial["completed"], trial["failed"], trial["dropped"]) == (120, 120, 0, 0)
        assert [step["rate_per_s"] for step in trial["steps"]] == [30, 50]
    for trial in found["trials"]:
        assert all(size > 1_000_000 for size in trial["memory_bytes"].values())
        assert trial["canary_ms"] > 0
        assert trial["zero_ns"] > 0


def test_every_scheduled_request_is_a_row_with_its_times_and_its_answer(done: tuple[Path, str]):
    table = pq.read_table(done[0] / "requests.parquet")
    assert table.schema.equals(schema_of(REQUESTS))
    rows = [row for row in table.to_pylist() if row["counted"]]
    assert len(rows) == 2 * 120 + 4 * TURN
    for row in rows:
        assert row["intended_ns"] <= row["sent_ns"] <= row["done_ns"]
        assert (row["experiment"], row["status"], row["outcome"], row["stage_app_ms"]) == ("latency", 200, "ok", 0.5)
    assert {row["model_version"] for row in rows if row["case"] == "prediction"} == {"1"}
    assert {row["offered_per_s"] for row in rows} == {20.0, 30.0, 50.0}


def test_both_variants_get_the_same_arrivals_and_photos(done: tuple[Path, str]):
    """On the staircase as a whole, and in every round from the start of their own turn."""
    found = read(done[0]).run.found["latency"]
    starts = {(trial.trial, step.step): step for trial in found.trials for step in trial.steps}
    sent: dict[str, list[tuple[object, ...]]] = {"toy_variant": [], "twin": []}
    for row in pq.read_table(done[0] / "requests.parquet").to_pylist():
        if row["counted"]:
            step = starts[row["trial"], row["step"]]
            since_us = row["intended_ns"] // 1000 - round(step.start_s * 1e6)
            sent[row["variant"]].append((step.round, row["offered_per_s"], since_us, row["case"], row["photo_id"]))
    first, second = (sorted(each) for each in sent.values())
    assert first == second


def test_every_process_is_sampled_on_the_same_clock(done: tuple[Path, str]):
    table = pq.read_table(done[0] / "processes.parquet")
    assert table.schema.equals(schema_of(PROCESSES))
    rows = table.to_pylist()
    assert {(row["variant"], row["process"]) for row in rows} == {
        ("toy_variant", "web"), ("twin", "web"), ("", "generator"),
    }  # fmt: skip
    assert any(0 <= row["t_ns"] <= 2_000_000_000 for row in rows)


def test_results_hold_every_number_of_every_variant_and_case(done: tuple[Path, str]):
    with (done[0] / "results.csv").open(newline="") as file:
        reader = csv.DictReader(file)
        rows = list(reader)
    assert tuple(reader.fieldnames or ()) == RESULTS
    cells = {(row["variant"], row["case"], row["metric"], row["offered_per_s"]): row for row in rows}
    for name in ("toy_variant", "twin"):
        for case in ("prediction", "metadata", "page", "image"):
            for metric in ("response_p50", "response_p95", "response_p99", "service_p50", "lag_p99", "failed_share"):
                assert {(name, case, metric, rate) for rate in ("20.0", "30.0", "50.0")} <= cells.keys()
        assert (name, "prediction", "capacity", "") in cells
        assert (name, "all", "memory", "") in cells
        assert (name, "prediction", "backlog", "50.0") in cells
    assert float(cells["twin", "prediction", "goodput", "50.0"]["value"]) == pytest.approx(50.0, abs=8.0)
    assert cells["twin", "prediction", "response_p99", "50.0"]["verdict"] == "withheld"  # 50 samples cannot carry it
    assert ("twin", "prediction", "response_p50 / toy_variant", "20.0") in cells


def test_locust_itself_also_counts_from_the_intended_time_and_apart_from_the_warm_up(done: tuple[Path, str]):
    log = next(done[0].glob("logs/block-*twin/generator-*.log")).read_text()
    assert "warm-up: prediction" in log
    assert "Traceback" not in log


def test_report_and_results_can_be_made_again_and_are_the_same(done: tuple[Path, str]):
    before = {name: (done[0] / name).read_bytes() for name in ("report.html", "results.csv", "run.json")}
    (done[0] / "results.csv").unlink()
    code, out, _ = finished("report", str(done[0]))
    assert (code, Path(out.strip())) == (0, done[0] / "report.html")
    assert {name: (done[0] / name).read_bytes() for name in before} == before


def test_variants_that_answer_differently_are_not_timed(tmp_path: Path):
    other = copy_of_toy(tmp_path, "other", TOY_LABEL="dog")
    out = tmp_path / "runs"
    argv = ["--profile", str(TINY), "--variants", f"{TOY},{other}", "--out", str(out), *PHOTOS]
    code, _, err = finished("run", *argv)
    assert code == 4
    assert "photo photo-0: toy_variant and other answer differently" in err
    assert "tabby 0.5" in err
    assert "dog 0.5" in err
    facts = facts_of(run_of(out))
    assert (facts["state"], facts["experiments"]["latency"]["trials"]) == ("failed", [])


def test_a_variant_that_does_not_start_is_told_with_its_last_words(tmp_path: Path):
    broken = '[process.web]\nrun = ["{python}", "-c", "raise SystemExit(\'no model\')"]\nready = "/"\nroles = ["pages"]'
    folder = variant(tmp_path / "broken", f'title = "B"\n{broken}').folder
    code, out, err = finished(
        "run", "--profile", str(TINY), "--variants", str(folder), "--out", str(tmp_path / "r"), *PHOTOS
    )
    assert code == 3
    assert "broken: process web ended by itself (exit code 1)" in err
    assert "    no model" in err
    assert "Traceback" not in out + err


MISSED = """
[[check]]
title = "A prediction takes no time"
left = { variant = "toy_variant", case = "prediction", metric = "response_p50" }
right = { variant = "toy_variant", case = "metadata", metric = "response_p50" }
compare = "difference"
limit = -1000.0
unit = "ms"
"""


def test_a_missed_threshold_has_its_own_exit_code(tmp_path: Path):
    profile, checks = tmp_path / "two.toml", tmp_path / "checks.toml"
    text = TINY.read_text().replace("blocks = 1", "blocks = 2").replace("verdicts = false", "verdicts = true")
    profile.write_text(text)
    checks.write_text(MISSED)
    code, out, err = finished(
        "run", "--profile", str(profile), "--variants", str(TOY), "--expectations", str(checks),
        "--out", str(tmp_path / "runs"), *PHOTOS,
    )  # fmt: skip
    facts = facts_of(run_of(tmp_path / "runs"))
    assert "missed: A prediction takes no time" in out
    assert code == (6 if facts["validity"]["valid"] else 5), (
        err
    )  # a machine busy with other tests may fail the lag gate


def test_ctrl_c_keeps_what_was_measured_and_still_reports(tmp_path: Path):
    out = tmp_path / "runs"
    profile = tmp_path / "long.toml"
    profile.write_text(TINY.read_text().replace("blocks = 1", "blocks = 50"))
    argv = ["--profile", str(profile), "--variants", str(TOY), "--out", str(out), *PHOTOS]
    with sweetspot("run", *argv) as process:

        def second_trial() -> None:
            assert (run_of(out) / "events.jsonl").read_text().count("trial started") == 2

        wait_for(second_trial, (AssertionError, OSError, ValueError), process=process, seconds=60)
        os.kill(process.pid, signal.SIGINT)
        printed, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    recorded = read(run_of(out))
    assert (recorded.run.state, len(recorded.run.found["latency"].trials)) == ("interrupted", 1)
    assert set(recorded.requests()["trial"].to_pylist()) == {1}
    assert Path(printed.splitlines()[-1]).name == "report.html"
    assert "Traceback" not in printed + err


def test_up_shows_where_it_is_and_stops_on_ctrl_c():
    port = free_port()
    with sweetspot("up", str(TOY), "--port", str(port), *PHOTOS) as process:

        def ready() -> None:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz") as answer:
                assert answer.status == 200

        wait_for(ready, (OSError,), process=process)
        assert process.stdout is not None
        wait_for(lambda: next(line for line in process.stdout if "Ctrl-C stops everything." in line), process=process)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=20)
    assert process.returncode == 0, err
    with pytest.raises(OSError, match="refused"):
        ready()


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (("run", "speed"), "'speed' is not one of 'latency', 'peers'"),
        (("run", "--profile", "fast"), "unknown profile 'fast': known are smoke, quick, full"),
        (("run", "--variants", "nobody"), "unknown variant 'nobody'"),
        (("run", "--variants", str(TOY), "--photos", "nowhere"), "no photos in nowhere"),
        (("up", "nobody"), "unknown variant 'nobody'"),
        (("report", "nowhere"), "nowhere is not a folder"),
        (("fly",), "No such command 'fly'"),
    ],
)
def test_wrong_usage_is_explained_in_a_line(argv: tuple[str, ...], message: str):
    code, out, err = finished(*argv)
    assert code == 2
    assert message in err
    assert "Traceback" not in out + err


def test_a_closed_terminal_is_no_reason_to_stop_for_who_was_told_so(tmp_path: Path):
    """`nohup` ignores SIGHUP for its child, and expects that to stay so."""
    argv = ["--profile", str(TINY), "--variants", str(TOY), "--out", str(tmp_path / "runs"), *PHOTOS]
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with sweetspot("run", *argv) as process:
            wait_for(lambda: run_of(tmp_path / "runs"), (ValueError, OSError), process=process, seconds=60)
            os.kill(process.pid, signal.SIGHUP)
            _, err = process.communicate(timeout=100)
    finally:
        signal.signal(signal.SIGHUP, before)
    assert process.returncode == 0, err
    assert facts_of(run_of(tmp_path / "runs"))["state"] == "complete"


def test_help_names_the_exit_codes():
    code, out, _ = finished("run", "--help")
    assert code == 0
    assert "5  the run is not valid" in out
