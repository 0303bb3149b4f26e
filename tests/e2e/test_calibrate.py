"""The real load generator on servers with known answers: it agrees with the truth, and what does not agree is found."""

from dataclasses import replace
from pathlib import Path

import pytest

from bench.calibration import trials
from bench.calibration.lines import Line
from bench.calibration.trials import Place, Size, Trial, calibrate
from bench.load.known import Known, Setting, serving
from bench.machine.cores import split_cores

SIZE = Size(stall=Setting(service_ms=2, stall_s=1, every_s=6), stall_s=6.0)  # one stall, wherever the load begins


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(split_cores(), tmp_path)


def by_quantity(lines: list[Line]) -> dict[str, Line]:
    return {line.quantity: line for line in lines}


@pytest.mark.parametrize("processes", [1, 2])
def test_percentiles_over_a_stall_agree_with_the_truth(place: Place, processes: int):
    """A machine that runs tests is busy, so they are looser than a calibration: 50 ms of a stall of 1,000."""
    found = by_quantity(trials.stalls(place, SIZE, processes))
    assert found["p99"].truth > 800, "there was no stall in this load"
    for line in found.values():
        assert line.reported == pytest.approx(line.truth, rel=0.02, abs=50), line


def test_stock_locust_leaves_the_waiting_out(place: Place):
    found = by_quantity(trials.stalls_by_stock_locust(place, SIZE))
    assert found["p90"].reported < found["p90"].truth / 3


def test_a_server_that_is_not_what_it_is_said_to_be_is_found(place: Place, monkeypatch: pytest.MonkeyPatch):
    """The truth is worked out for 50 ms instead of 40: the mean wait then cannot fit."""
    honest = Known.truth
    slower = Setting(service_ms=50)
    monkeypatch.setattr(Known, "truth", lambda known, arrivals_s: honest(replace(known, setting=slower), arrivals_s))
    assert by_quantity(trials.queue(place, Size(queue_s=3.0), 0.5))["mean wait, these arrivals"].verdict == "off"


def test_trials_run_one_after_the_other_with_progress(place: Place, capsys: pytest.CaptureFixture[str]):
    todo = [Trial(f"null server, {number}", 1, lambda at: trials.null(at, [(20.0, 1.0)])) for number in (1, 2)]
    lines = calibrate(place, todo)
    assert [line.verdict for line in lines if line.quantity == "dropped or failed"] == ["ok", "ok"]
    assert "null server, 2 (about " in capsys.readouterr().err


def test_more_requests_in_flight_than_select_has_descriptors_for(place: Place):
    """A stall of a second at 1,500 a second; after it the connections are used again, whatever their numbers."""
    with serving(Setting(stall_s=1, every_s=2), place.folder, place.cores.sut) as known:
        told = trials.send(place, known, trials.schedule_of("constant", [(1500, 3.0)]))
    assert set(told.load.outcome) == {"ok"}
    assert told.load.connections > 1100
