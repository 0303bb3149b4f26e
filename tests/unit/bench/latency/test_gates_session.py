"""The gates of a session as a whole, on trials that are made up: cores, order, the known delay, the canary."""

from dataclasses import replace

import pytest

from bench.latency import gates as judging
from bench.latency.gates import Null
from bench.latency.trial import Arm
from bench.machine.canary import Canary
from bench.machine.cores import Split
from bench.session.surroundings import worst
from tests.unit.bench.toys import ONE, TWO, blocks, gate, measured, session


def test_cores_that_are_shared_and_a_null_server_that_seems_slow_fail():
    assert gate(session(measured(ONE), cores=Split((0,), (0,), pinned=True)), "cores")["verdict"] == "fail"
    found = session(measured(ONE), null=Null(200.0, 9.0, 8.0))
    assert [(gate(found, name)["value"], gate(found, name)["verdict"]) for name in ("G5-lag", "G5-service")] == [
        (9.0, "fail"), (8.0, "fail"),
    ]  # fmt: skip


def test_a_canary_is_compared_with_those_of_all_arms():
    trials = [
        replace(measured(arm, (number, 1, number)), canaries=[Canary([ms])])
        for number, (arm, ms) in enumerate([(ONE, 5.0), (ONE, 5.0), (TWO, 15.0)], start=1)
    ]
    found = session(*trials, arms=(ONE, TWO))
    assert [gate(found, "G6-canary", name)["value"] for name in ("one", "two")] == [0.0, 2.0]


def test_the_worst_of_what_is_known():
    assert worst([None, 0.1, 0.3, None]) == 0.3
    assert worst([None]) is None


def test_an_effect_of_the_order_is_told():
    arms = (ONE, TWO, Arm("three", None))
    jitter = [0.0, 0.1, -0.1, 0.05]
    flat = session(*blocks(arms, lambda block, arm, _: 10 + arm + jitter[(block + arm) % 4]), arms=arms)
    tilted = session(*blocks(arms, lambda block, arm, place: (10 + arm + jitter[block]) * 1.2**place), arms=arms)
    assert gate(flat, "A2")["verdict"] == "pass"
    assert gate(tilted, "A2")["verdict"] == "warn"


def test_blocks_that_are_not_complete_do_not_tell_the_order():
    arms = (ONE, TWO)
    trials = blocks(arms, lambda *_: 10.0)
    assert judging.order_of(session(*trials[:-1], arms=arms)).n == 3
    assert judging.order_of(session(trials[0], arms=arms)) is None


def test_the_control_is_compared_with_its_own_variant_block_by_block():
    late = Arm("one + 30 ms", None, "one", "control", 30.0)
    trials = blocks((ONE, late), lambda block, arm, _: 10.0 * (block + 1) + (29.0, 31.0)[block % 2] * arm)
    estimate = judging.difference(session(*trials, arms=(ONE, late)).found, late)
    assert (estimate.value, estimate.n) == (pytest.approx(30.0), 4)
    assert judging.difference(session(*trials[:-1], arms=(ONE, late)).found, late).n == 3
