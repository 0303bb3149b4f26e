"""The judging of trials on made-up loads: a generator that lies is off, one that tells the truth is not."""

import numpy as np
import pytest

from bench.calibration.trials import STALL, Size, lags, quantile, tells_the_truth, trials
from bench.load.known import Known, Setting, Told
from bench.load.schedule import SECOND_NS, Phase, Schedule, draw


class MadeUp:
    """A load as the generator returns it, with the times that it is given."""

    def __init__(self, sent_ns, done_ns, outcome):
        self.columns = {"sent_ns": sent_ns, "done_ns": done_ns}
        self.outcome = np.array(outcome)

    def times(self, column: str):
        return self.columns[column]


def schedule(rate: float = 200.0, seconds: float = 5.0) -> Schedule:
    return draw(Phase(1.0, {"metadata": rate}), [Phase(seconds, {"metadata": rate})], 1, arrivals="constant", seed=(1,))


def told(lag_ms: float = 0.1, took_ms: float = 2.0, outcome: str = "ok") -> Told:
    plan = schedule()
    sent = plan.offset_ns + round(lag_ms * 1e6)
    if outcome == "dropped":
        sent = np.full_like(sent, -1)
    load = MadeUp(sent, sent + round(took_ms * 1e6), [outcome] * len(plan))
    return Told(plan, load, np.full(len(plan), took_ms / 1000))


def verdicts(lines) -> dict[str, str]:
    return {line.quantity: line.verdict for line in lines}


def test_response_counts_from_the_intended_time_and_lag_is_part_of_it():
    found = told(lag_ms=5, took_ms=2)
    assert found.response_s == pytest.approx(0.007)
    assert found.lag_ms == pytest.approx(5)
    assert found.service_ms == pytest.approx(2)


@pytest.mark.parametrize("outcome", ["timeout", "reset", "dropped", "wrong"])
def test_what_was_not_answered_well_took_for_ever(outcome: str):
    assert np.isinf(told(outcome=outcome).response_s).all()


def test_the_warm_up_belongs_to_no_step():
    found = told()
    assert found.rows(0).sum() == 1000
    assert (found.schedule.offset_ns[found.rows(0)] >= 0).all()


def test_a_generator_in_time_passes_and_a_late_one_does_not():
    assert set(verdicts(lags(told(lag_ms=0.9), 0, 200.0)).values()) == {"ok", "not judged"}
    assert verdicts(lags(told(lag_ms=1.1), 0, 200.0))["dispatch lag p99"] == "off"
    assert verdicts(lags(told(lag_ms=1.1), 0, 500.0))["dispatch lag p99"] == "ok"


def test_at_other_rates_only_drops_are_judged():
    assert verdicts(lags(told(lag_ms=50), 0, 2000.0))["dispatch lag p99"] == "not judged"
    assert verdicts(lags(told(outcome="dropped"), 0, 2000.0))["dropped or failed"] == "off"


def test_quantiles_are_samples_and_bear_infinity():
    assert quantile(np.array([1.0, 2.0, 3.0, np.inf]), 0.5) == 2.0
    assert quantile(np.array([1.0, np.inf]), 0.99) == np.inf


def test_the_truth_about_the_stall_server_is_known_by_hand():
    """At 100/s and 2 ms, who comes t into a stall of 2 s waits 2 - t and then for those before it: 2 ms each."""
    known = Known("", STALL, 0, {"first_s": 18.0, "length_s": 2.0, "every_s": 20.0})
    truth = known.truth(np.arange(0, 40, 0.01))
    assert truth[0] == pytest.approx(0.002)
    assert truth[1800] == pytest.approx(2.002)
    assert truth[1900] == pytest.approx(1.0 + 101 * 0.002)
    assert truth[2051] == pytest.approx(0.002)  # 250 requests, 2 ms each, had piled up until 20.5 s
    assert quantile(truth, 0.99) > 1.8


def test_a_server_without_stalls_has_none():
    known = Known("", Setting(service_ms=20), 0, None)
    assert known.truth(np.array([1.0, 1.005])).tolist() == pytest.approx([0.02, 0.035])


def test_everything_that_the_issue_asks_for_is_tried():
    texts = [trial.text for trial in trials(Size())]
    assert texts == [
        "stall server", "stall server, two generator processes", "stall server, stock Locust",
        "M/D/1 queue at 50%", "M/D/1 queue at 70%", "null server",
    ]  # fmt: skip


def test_one_line_that_is_off_spoils_it():
    good, bad = lags(told(lag_ms=0.9), 0, 200.0), lags(told(lag_ms=9), 0, 200.0)
    assert tells_the_truth(good)
    assert not tells_the_truth([*good, *bad])


def test_the_window_of_a_schedule_is_on_the_clock_of_the_server():
    assert schedule().offset_ns.min() >= -SECOND_NS
