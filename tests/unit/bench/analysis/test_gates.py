import numpy as np
import pandas as pd
import pytest

from bench.analysis import gates
from bench.analysis.quantities import Quantities
from bench.load.generator import Load
from bench.machine.cores import Split
from bench.trial import Measured

TRIAL = {"variant": "v", "scheduled": 1000, "dropped": 0}
TWO_CORES = Split((0,), (1,), pinned=True)


def judged(*, lag_ms: float = 0.1, cores: Split = TWO_CORES, sent: int = 1, wrong: int = 0, dropped: int = 0) -> dict:
    found = Quantities()
    found.add(("v", "prediction", "lag"), 1, np.full(100, lag_ms))
    found.add(("v", "prediction", "service"), 1, np.full(100, 20.0))
    requests = pd.DataFrame({"variant": ["v"] * 10, "outcome": ["wrong"] * wrong + ["ok"] * (10 - wrong)})
    load = Load(zero_ns=0, connections=1, requests_sent=sent, rows=[{"sent_ns": 1}])
    measured = [Measured({**TRIAL, "dropped": dropped}, [], [], load)]
    return gates.validity(gates.judge(measured, requests, found, cores), measured)


def test_a_run_that_passes_all_gates_is_valid():
    assert judged() == {"valid": True, "reasons": []}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"lag_ms": 6.0}, "G1: The generator sent in time (lag p99): v has 6 ms, the limit is 5.0"),
        ({"dropped": 2}, "G2: The schedule was sent as a whole (share dropped): v has 0.002 share"),
        ({"sent": 3}, "G9: No hidden retries: v has 2 requests"),
        ({"wrong": 1}, "G10: The same answers as all other variants: v has 1 requests"),
        (
            {"cores": Split((0,), (0,), pinned=True)},
            "cores: System and generator have cores of their own: this machine",
        ),
    ],
)
def test_a_gate_that_fails_makes_the_run_invalid_and_says_why(change: dict, reason: str):
    validity = judged(**change)
    assert not validity["valid"]
    assert [text for text in validity["reasons"] if text.startswith(reason)]


def test_nothing_measured_is_not_valid():
    assert gates.validity([], [])["reasons"] == ["no trial was completed"]
