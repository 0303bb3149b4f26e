"""Runs of version 1: two recorded ones, a latency run and a peers run, as runs of today."""

import json
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from runfile import Recorded, RunFileError, read
from runfile.facts import Latency, Peers, Validity
from tests.conftest import ROOT

RUNS = ROOT / "tests" / "data" / "runs"
NAMES = ("v1-latency", "v1-peers")
by_name = pytest.mark.parametrize("name", NAMES)


def written(name: str) -> dict[str, Any]:
    """What run.json of a recorded run says, as it was written."""
    facts: dict[str, Any] = json.loads((RUNS / name / "run.json").read_text(encoding="utf-8"))
    return facts


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the latency run, to be spoiled."""
    return Path(shutil.copytree(RUNS / "v1-latency", tmp_path / "run"))


def steps(found: Recorded) -> list[tuple[int, int, bool]]:
    """Trial, step and whether it counts, by request."""
    table = found.requests()
    return list(zip(*(table[name].to_pylist() for name in ("trial", "step", "counted")), strict=True))


@by_name
def test_what_all_runs_share_is_on_top_and_all_else_belongs_to_the_experiment(name: str):
    found, facts = read(RUNS / name), written(name)
    experiment = name.removeprefix("v1-")
    assert (found.version, list(found.run.found)) == (1, [experiment])
    for key in ("id", "profile", "state", "started_at", "finished_at", "seed", "versions"):
        assert getattr(found.run, key) == facts[key]
    settings = {**found.run.settings, **found.run.found[experiment].settings}
    assert settings == facts["settings"]
    assert "photos" in found.run.settings
    assert {trial.trial for trial in found.run.found[experiment].trials} == {each["trial"] for each in facts["trials"]}


@by_name
def test_validity_is_as_it_was_for_the_run_and_for_its_only_experiment(name: str):
    (found,), facts = read(RUNS / name).run.found.values(), written(name)["validity"]
    assert read(RUNS / name).run.validity == found.validity == Validity(facts["valid"], tuple(facts["reasons"]))


@by_name
def test_gates_are_as_they_were_those_of_the_session_on_top(name: str):
    run = read(RUNS / name).run
    (found,) = run.found.values()
    entries = Counter(
        (each["gate"], each["variant"], each["verdict"], each["value"]) for each in written(name)["gates"]
    )
    assert (
        Counter((gate.gate, gate.variant, gate.verdict, gate.value) for gate in (*run.gates, *found.gates)) == entries
    )
    assert {gate.gate for gate in run.gates} <= {"cores", "G5-lag", "G5-service"}
    assert not {gate.gate for gate in found.gates} & {gate.gate for gate in run.gates}


def test_the_gates_of_the_recorded_runs_fail_where_they_did():
    assert [(gate.gate, gate.variant) for gate in read(RUNS / "v1-latency").run.found["latency"].gates
            if gate.verdict == "fail"] == [("G1", "model_as_service")]  # fmt: skip


def test_what_a_latency_run_found_is_there():
    found, facts = read(RUNS / "v1-latency").run.experiments.latency, written("v1-latency")
    assert isinstance(found, Latency)
    assert (found.verdicts, found.slo_ms) == (True, 250.0)
    assert [check.verdict for check in found.checks] == [each["verdict"] for each in facts["checks"]]
    assert [ratio.value for ratio in found.ratios] == [each["value"] for each in facts["ratios"]]
    assert [(each.low, each.high) for each in found.capacity] == [
        (each["low"], each["high"]) for each in facts["capacity"]
    ]
    assert [arm.name for arm in found.arms] == [each["name"] for each in facts["arms"]]
    trial, as_written = found.trials[0], facts["trials"][0]
    assert {step.variant for step in trial.steps} == {trial.variant} == {as_written["variant"]}
    assert [step.rate_per_s for step in trial.steps] == [each["rate_per_s"] for each in as_written["steps"]]
    assert trial.usage is not None
    assert trial.usage.busy_s == as_written["machine"]["busy_s"]


def test_the_one_noise_floor_of_a_latency_run_is_that_of_its_lowest_load():
    found = read(RUNS / "v1-latency").run.experiments.latency
    assert found is not None
    assert found.noise_floor
    assert {floor.offered_per_s for floor in found.noise_floor} == {min(each.offered_per_s for each in found.ratios)}


def test_what_a_peers_run_found_is_there():
    found, facts = read(RUNS / "v1-peers").run.experiments.peers, written("v1-peers")
    assert isinstance(found, Peers)
    assert (found.verdicts, found.slo_ms) == (False, 200.0)
    assert [peer.name for peer in found.peers] == [each["name"] for each in facts["peers"]]
    assert [check.bound for check in found.checks] == [each["bound"] for each in facts["checks"]]
    trial, as_written = found.trials[0], facts["trials"][0]
    assert [each.of_capacity for each in trial.overloads] == [each["of_capacity"] for each in as_written["steps"]]
    model, rounds = next(iter(as_written["rounds"].items()))
    rates = [[each["rate_per_s"] for each in one["slices"]] for one in rounds]
    assert [[each.rate_per_s for each in one.slices] for one in trial.rounds[model]] == rates


def test_a_slice_of_the_first_peers_runs_has_no_turnaround(tmp_path: Path):
    facts = written("v1-peers")
    for trial in facts["trials"]:
        for one in (each for rounds in trial["rounds"].values() for each in rounds):
            one["slices"] = [{key: each[key] for key in ("clients", "rate_per_s", "n")} for each in one["slices"]]
    found = read(rewritten(tmp_path, facts)).run.experiments.peers
    assert found is not None
    assert {each.turnaround_ms for each in found.trials[0].rounds["no-op"][0].slices} == {None}


def test_requests_of_a_trial_that_was_repeated_and_those_of_warm_ups_do_not_count():
    """Trial 4 was measured again; its rows are in the file, and in no number."""
    found = read(RUNS / "v1-latency")
    latency = found.run.found["latency"]
    assert [(trial.trial, trial.reason) for trial in latency.trials if not trial.counted] == [
        (4, "the cores were 39% off their usual speed")
    ]
    assert 4 not in {trial.trial for trial in latency.counted}
    rows = steps(found)
    assert len(rows) == 6961
    assert {trial for trial, _, counted in rows if not counted and trial != 4} == {1, 2, 3, 5, 6, 7, 8, 9}
    assert all(counted == (trial != 4 and step >= 0) for trial, step, counted in rows)


def test_of_a_peers_run_all_but_the_warm_ups_counts():
    rows = steps(read(RUNS / "v1-peers"))
    assert len(rows) == 1118
    assert all(counted == (step >= 0) for _, step, counted in rows)


@by_name
def test_tables_have_todays_columns_with_what_was_recorded(name: str):
    found = read(RUNS / name)
    recorded, today = pq.read_table(RUNS / name / "requests.parquet"), found.requests()
    for column in recorded.column_names:
        assert today[column].to_pylist() == recorded[column].to_pylist()
    assert set(today["experiment"].to_pylist()) == {name.removeprefix("v1-")}
    assert today["predicted_at"].null_count == len(today)
    assert found.processes().num_rows == pq.read_metadata(RUNS / name / "processes.parquet").num_rows


def test_in_the_first_runs_there_was_one_load_without_a_number(copy: Path):
    path = copy / "requests.parquet"
    table = pq.read_table(path).drop_columns(["step", "offered_per_s"])
    pq.write_table(table, path)
    found = read(copy).requests()
    times, counted = found["intended_ns"].to_pylist(), found["counted"].to_pylist()
    trials = found["trial"].to_pylist()
    assert counted == [trial != 4 and at >= 0 for trial, at in zip(trials, times, strict=True)]
    assert found["offered_per_s"].null_count == len(found)


def test_a_missing_column_is_named(copy: Path):
    pq.write_table(
        pq.read_table(copy / "requests.parquet").drop_columns(["trial", "outcome"]), copy / "requests.parquet"
    )
    with pytest.raises(RunFileError, match=r"requests\.parquet is damaged: it has no column trial, outcome"):
        read(copy).requests()


def rewritten(folder: Path, facts: dict[str, Any], **changes: object) -> Path:
    """Write these facts as a run that died, which needs no other file."""
    (folder / "run.json").write_text(json.dumps({**facts, "state": "failed", **changes}), encoding="utf-8")
    return folder


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"id": 3}, "id: must be a valid string"),
        ({"trials": [{"trial": 1, "block": "one", "variant": "v"}]}, r"experiments\.latency\.trials\[0\]\.block"),
        ({"checks": [{"value": "high"}]}, r"experiments\.latency\.checks\[0\]\.value"),
        ({"trials": [{}]}, "variant"),
        ({"trials": [1]}, "The file was edited"),
        ({"settings": [1]}, "The file was edited"),
        ({"gates": {"gate": "G1"}}, "The file was edited"),
    ],
)
def test_a_file_that_was_edited_is_refused_in_words(tmp_path: Path, changes: dict[str, object], words: str):
    with pytest.raises(RunFileError, match=words):
        read(rewritten(tmp_path, written("v1-latency"), **changes))


def test_of_a_run_that_died_at_once_nothing_is_known(tmp_path: Path):
    found = read(rewritten(tmp_path, {"schema": "sweetspot.run/1"}))
    assert (found.run.state, found.run.variants, found.run.seed) == ("failed", (), None)
    assert not found.run.validity.valid
    assert found.requests().num_rows == 0


@pytest.mark.parametrize(
    ("entry", "verdict"),
    [({"passed": False, "verdict": "warn"}, "fail"), ({"passed": False}, "fail"), ({"passed": True}, "pass"),
     ({"passed": None}, "not judged"), ({"passed": True, "verdict": "warn"}, "warn")],
)  # fmt: skip
def test_a_gate_that_did_not_pass_failed_whatever_else_is_said_of_it(
    tmp_path: Path, entry: dict[str, object], verdict: str
):
    gate = {"gate": "G1", "title": "t", "variant": "v", **entry}
    run = read(rewritten(tmp_path, written("v1-latency"), gates=[gate])).run
    assert [each.verdict for each in run.found["latency"].gates] == [verdict]
