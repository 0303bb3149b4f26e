"""The doctor: every point on made-up machines, and the whole command once, shortened, on this one."""

import hashlib
import importlib.metadata
import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from bench.calibration import trials
from bench.calibration.trials import Trial, lags
from bench.cli import sweetspot
from bench.doctor import consult as doctor
from bench.doctor import machine, setup, speed
from bench.doctor.finding import checklist, closing_words, exit_code, ok, spoils, stops, warning
from bench.doctor.setup import look_at_setup
from bench.exits import CanaryFailed, Exit, GeneratorFailed
from bench.gates import thresholds
from bench.machine.canary import Canary
from bench.machine.cores import Split
from runfile.facts import Usage
from tests.conftest import ROOT
from tests.unit.bench.calibration.test_trials import told

LIMITS = thresholds.load()
PINNED = Split((0,), (1,), pinned=True)


@pytest.fixture
def same_cores() -> Iterator[None]:
    """The doctor pins its own process; the other tests shall have all cores again."""
    before = os.sched_getaffinity(0)
    yield
    os.sched_setaffinity(0, before)


def versions(monkeypatch: pytest.MonkeyPatch, **found: str) -> None:
    def version(package: str) -> str:
        try:
            return found[package.replace("-", "_")]
        except KeyError:
            raise importlib.metadata.PackageNotFoundError(package) from None

    monkeypatch.setattr(importlib.metadata, "version", version)


def pins(root: Path, text: str, name: str = "cpu") -> Path:
    (root / "requirements").mkdir()
    (root / "requirements" / f"{name}.txt").write_text(text)
    return root


def test_what_stops_a_run_comes_before_what_spoils_it_and_warnings_count_for_nothing():
    fine, doubt, bad, worse = ok("a", ""), warning("b", "", "do"), spoils("c", "", "do"), stops("d", "", "do")
    assert exit_code([fine, doubt]) == Exit.OK
    assert exit_code([fine, bad]) == Exit.NOT_VALID
    assert exit_code([bad, worse]) == Exit.NOT_READY
    assert "1 warning." in closing_words([fine, doubt])
    assert "No run can start" in closing_words([bad, worse])


def test_the_checklist_says_what_to_do_where_something_is_to_be_done():
    text = checklist([ok("Disk", "9 GB"), warning("Memory", "1 GB", "make room")])
    assert text.splitlines() == ["ok       Disk    9 GB", "warning  Memory  1 GB", " " * 17 + "-> make room"]


LOCKED = """\
click==8.1 \\
    --hash=sha256:00
tomli==2.0 ; python_version < '3.0' \\
    --hash=sha256:00
numpy==1.0 ; python_version < '3.0' \\
numpy==2.0 ; python_version >= '3.0' \\
    --hash=sha256:00
"""


def test_pins_for_other_systems_do_not_count():
    assert setup.pinned(LOCKED) == {"click": "8.1", "numpy": "2.0"}


@pytest.mark.parametrize(
    ("found", "verdict", "words"),
    [
        ({"click": "8.1", "numpy": "2.0"}, "ok", "2 packages as pinned (cpu)"),
        ({"click": "8.1", "numpy": "1.0"}, "warning", "numpy"),
        ({"click": "8.1"}, "problem", "missing: numpy"),
        ({"onnxruntime": "1", "onnxruntime_gpu": "1"}, "problem", "both installed"),
    ],
)
def test_packages(found: dict[str, str], verdict: str, words: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    setup.pinned(LOCKED)  # loads what it needs before versions are made up
    versions(monkeypatch, packaging="1", **found)
    finding = setup.packages(pins(tmp_path, LOCKED))
    assert finding.verdict == verdict
    assert words in finding.found


@pytest.mark.parametrize(
    ("providers", "gpus", "verdict", "words"),
    [
        ("1.31 CPUExecutionProvider", None, "ok", "1.31 on the CPU"),
        ("1.31 CUDAExecutionProvider", "GPU 0: NVIDIA X (UUID: GPU-1)", "ok", "on GPU 0: NVIDIA X"),
        ("1.31 CPUExecutionProvider", "GPU 0: NVIDIA X (UUID: GPU-1)", "warning", "idle GPU 0: NVIDIA X"),
        (None, None, "problem", "cannot be loaded"),
    ],
)
def test_onnx_runtime_and_the_gpu(
    providers: str | None, gpus: str | None, verdict: str, words: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(setup, "output", lambda argv: gpus if argv[0] == "nvidia-smi" else providers)
    finding = setup.runtime()
    assert finding.verdict == verdict
    assert words in finding.found


def test_a_command_that_is_not_there_prints_nothing():
    assert setup.output(["no-such-command-anywhere"]) is None


def test_models_are_there_and_are_what_they_say(tmp_path: Path):
    assert setup.models(tmp_path).verdict == "problem"
    folder = tmp_path / "net" / "1"
    folder.mkdir(parents=True)
    (folder / "model.onnx").write_bytes(b"weights")
    (folder / "model.toml").write_text(f'sha256 = "{hashlib.sha256(b"others").hexdigest()}"')
    assert setup.models(tmp_path).found == "damaged: net/1"
    (folder / "model.toml").write_text(f'sha256 = "{hashlib.sha256(b"weights").hexdigest()}"')
    assert setup.models(tmp_path).verdict == "ok"


def test_photos(tmp_path: Path):
    assert setup.pictures(tmp_path).code == Exit.NOT_READY
    assert setup.pictures(tmp_path / "nowhere").code == Exit.NOT_READY
    (tmp_path / "a.jpg").write_bytes(b"")
    assert setup.pictures(tmp_path).verdict == "ok"


@pytest.mark.parametrize(("gigabytes", "verdict"), [(0.4, "problem"), (1.0, "warning"), (3.0, "ok")])
def test_room(gigabytes: float, verdict: str):
    assert machine.enough("Free disk", gigabytes, (0.5, 2.0)).verdict == verdict


def test_one_core_for_both_cannot_measure():
    cores, *_ = machine.cores(Split((0,), (0,), pinned=False), LIMITS)
    assert (cores.verdict, cores.code) == ("problem", Exit.NOT_VALID)


def test_a_system_that_cannot_pin_is_a_warning():
    assert machine.pinning(Split((0,), (1,), pinned=False)).verdict == "warning"


@pytest.mark.parametrize(("siblings", "verdict"), [("0", "ok"), ("0,2", "ok"), ("0-1", "warning"), ("0,1", "warning")])
def test_hyper_threads(siblings: str, verdict: str, tmp_path: Path):
    folder = tmp_path / "cpu0" / "topology"
    folder.mkdir(parents=True)
    (folder / "thread_siblings_list").write_text(f"{siblings}\n")
    assert machine.siblings(PINNED, tmp_path).verdict == verdict


def test_a_system_without_topology_does_not_tell(tmp_path: Path):
    assert machine.siblings(PINNED, tmp_path).found == "this system does not tell"


@pytest.mark.parametrize(
    ("seen", "verdicts"),
    [
        (Usage(0.0, 0.0, 0.0, 0.1, 3.0), ["ok", "ok", "ok", "ok"]),
        (Usage(0.02, 0.0, 0.0, 0.1, 3.0), ["warning", "ok", "ok", "ok"]),
        (Usage(0.2, 0.0, 0.0, 0.1, 3.0), ["problem", "ok", "ok", "ok"]),
        (Usage(0.0, 0.5, 0.0, 0.1, 3.0), ["ok", "problem", "ok", "ok"]),
        (Usage(0.0, 0.0, 0.0, 0.6, 3.0), ["ok", "ok", "warning", "ok"]),
        (Usage(0.0, 0.0, 0.5, 3.0, 3.0), ["ok", "ok", "problem", "warning"]),
        (Usage(None, None, None, 0.1, 3.0), ["warning", "warning", "ok", "warning"]),
    ],
)
def test_company_is_judged_like_a_run_would_judge_it(seen: Usage, verdicts: list[str]):
    assert [finding.verdict for finding in machine.judge_company(seen, 2, LIMITS)] == verdicts


def test_the_smallest_difference_is_1_05_standard_deviations_of_the_log_ratio():
    rng = np.random.default_rng(1)
    times = 20 * np.exp(rng.normal(0, 0.05 / 2**0.5, size=20_000))  # so that log ratios have a deviation of 5 %
    assert speed.smallest_difference(times) == pytest.approx(np.expm1(1.05 * 0.05), rel=0.02)


@pytest.mark.parametrize(
    ("times", "verdict"),
    [([20, 20.2, 20.1, 20.0], "ok"), ([20, 26, 21, 25], "warning"), ([20, 60, 20, 60], "problem")],
)
def test_steadiness(times: list[float], verdict: str):
    assert speed.judge_steadiness(np.array(times, dtype=float)).verdict == verdict


def test_a_canary_that_cannot_run_is_a_finding():
    def fails(_cores: Iterable[int]) -> Canary:
        raise CanaryFailed("the canary could not be timed")

    assert speed.steadiness(PINNED, fails).code == Exit.NOT_VALID


def test_a_system_without_a_fine_timer_is_a_warning():
    assert speed.timer(LIMITS, lambda: False).verdict == "warning"


RATE = ((500.0, 5.0),)


@pytest.mark.parametrize(
    ("lag_ms", "took_ms", "verdicts"),
    [
        (0.2, 1.0, ["ok", "ok", "ok"]),
        (2.0, 1.0, ["warning", "ok", "ok"]),
        (3.0, 1.0, ["problem", "ok", "problem"]),
        (0.2, 9.0, ["ok", "problem", "ok"]),
    ],
)
def test_the_generator_is_judged_by_lag_and_service(lag_ms: float, took_ms: float, verdicts: list[str]):
    found = speed.judge_generator(told(lag_ms, took_ms), RATE, LIMITS)
    assert [finding.verdict for finding in found] == verdicts


def test_a_dropped_request_ends_the_rates_that_can_be_sent():
    assert speed.highest(told(outcome="dropped"), RATE).verdict == "problem"


def test_a_generator_that_does_not_run_is_a_finding(monkeypatch: pytest.MonkeyPatch):
    def fails(*_: object) -> None:
        raise GeneratorFailed("it ended")

    monkeypatch.setattr(speed, "send_to_null", fails)
    (finding,) = speed.generator(None, LIMITS)  # type: ignore[arg-type]
    assert (finding.code, finding.found) == (Exit.NOT_VALID, "it ended")


def test_missing_packages_end_it_early_without_a_traceback(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setattr(setup, "packages", lambda _: stops("Packages", "missing: numpy", "make setup"))
    monkeypatch.setattr(doctor, "examine", lambda _: pytest.fail("it must not look further"))
    done = CliRunner().invoke(sweetspot, ["doctor", "--photos", str(tmp_path)])
    assert done.exit_code == Exit.NOT_READY
    assert "missing: numpy" in done.output


@pytest.mark.usefixtures("same_cores")
def test_the_whole_command_on_this_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setattr(speed, "CANARIES", 3)
    monkeypatch.setattr(speed, "TICKS", 20)
    monkeypatch.setattr(speed, "RATES", ((50.0, 1.0),))
    monkeypatch.setattr(machine, "WATCH_S", 0.2)
    out, photos = tmp_path / "doctor.json", tmp_path / "photos"
    done = CliRunner().invoke(sweetspot, ["doctor", "--photos", str(photos), "--out", str(out)])
    assert done.exit_code == Exit.NOT_READY, done.output  # there are no photos in that folder
    points = {each["what"]: each["verdict"] for each in json.loads(out.read_text())["checklist"]}
    assert points["Photos"] == "problem"
    assert {"Cores", "Stolen CPU", "Steady cores", "Timer", "Dispatch lag", "Highest rate"} <= set(points)
    assert "No run can start" in done.output


@pytest.mark.parametrize(
    ("lag_ms", "code", "words"), [(0.5, Exit.OK, "tells the truth"), (9, Exit.NOT_VALID, "is off")]
)
def test_the_calibration_decides_with(
    lag_ms: float, code: Exit, words: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    made_up = Trial("made up", 0, lambda _: lags(told(lag_ms), 0, 200.0))
    monkeypatch.setattr(doctor, "look_at_setup", lambda _: [ok("Packages", "")])
    monkeypatch.setattr(doctor, "examine", lambda _: [])
    monkeypatch.setattr(trials, "trials", lambda _: [made_up])
    out = tmp_path / "doctor.json"
    done = CliRunner().invoke(sweetspot, ["doctor", "--calibrate", "--out", str(out)])
    assert done.exit_code == code
    assert words in done.output
    assert len(json.loads(out.read_text())["calibration"]) == 3


@pytest.mark.usefixtures("same_cores")
def test_a_file_that_cannot_be_written_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setattr(doctor, "examine", lambda _: [])
    done = CliRunner().invoke(sweetspot, ["doctor", "--out", str(tmp_path / "no" / "doctor.json")])
    assert "cannot write to" in str(done.exception)


def test_this_repository_is_found_and_set_up():
    verdicts = {finding.what: finding.verdict for finding in look_at_setup(ROOT / "data" / "catalogue")}
    assert (verdicts["Python and packages"], verdicts["Models"], verdicts["Photos"]) == ("ok", "ok", "ok")
