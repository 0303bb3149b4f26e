"""What a step of an overload showed, worked out from requests that are made up; and sending one for real."""

import math
from pathlib import Path

import numpy as np
import pytest

from bench.gates import thresholds
from bench.latency.profile import Step
from bench.load.generator import Generator
from bench.load.plan import Plan
from bench.peers.overload import Shown, requests, schedule, shown
from bench.peers.slices import targets
from bench.session.runfolder import REQUESTS
from tests.unit.bench.peers import fake, made_up
from tests.unit.bench.peers.made_up import Row, overload, steady

LIMITS = thresholds.load()
NEVER = math.nan


def of(*rows: Row, **more: float) -> Shown:
    return shown(overload(rows, **more), slo_ms=200.0)


def test_goodput_is_what_was_right_and_in_time_while_the_load_lasted():
    step = of(
        (0, 0, 199, 200, "ok"),
        (100, 100, 301, 200, "ok"),  # 201 ms: too late
        (300, 300, 320, 200, "wrong"),
        (400, 400, 402, 503, "refused"),
        (900, 900, 1001, 200, "ok"),  # in time, but when the load was over
        (900, 900, 1000, 200, "ok"),
        before=10.0,
    )
    assert step.goodput_per_s == 2
    assert step.goodput_share == pytest.approx(0.2)


def test_capacity_is_that_around_the_step_and_the_offered_rate_that_before():
    step = overload(steady(), load=2.0, before=50.0, after=30.0)
    assert (step.rate_per_s, step.capacity_per_s) == (100, 40)
    assert overload(steady(), before=50.0).capacity_per_s == 50


def test_a_refusal_is_no_quick_answer_and_not_among_the_accepted():
    step = of(
        (0, 0, 100, 200, "ok"), (0, 0, 2, 503, "refused"), (0, 0, 3, 429, "refused"), (10, 10, 14, 503, "refused")
    )
    assert step.accepted_ms.tolist() == [100]
    assert step.refusal_ms.tolist() == [2, 3, 4]
    assert step.refused_share == 0.75
    assert step.response_ms.tolist() == [100, math.inf, math.inf, math.inf]


def test_who_accepts_and_does_not_answer_gets_no_better_percentile_for_it():
    step = of((0, 0, 100, 200, "ok"), (0, 0, 6000, 0, "timeout"), (0, 0, 5, 500, "error"), (0, 0, 30, 200, "wrong"))
    assert step.accepted_ms.tolist() == [100, math.inf, math.inf, math.inf]


def test_a_step_counts_if_it_was_sent_in_time_and_as_a_whole():
    late = [(n * 10.0, n * 10.0 + 40, n * 10.0 + 50, 200, "ok") for n in range(100)]
    assert not of(*steady()).unfit(LIMITS)
    assert "the generator was late: 40 ms at p99, the limit is 5 ms" in of(*late).unfit(LIMITS)
    dropped = [*steady(), (990, NEVER, NEVER, 0, "dropped"), (990, NEVER, NEVER, 0, "dropped")]
    assert "did not send everything: 100 of 102 sent, 2 dropped" in of(*dropped).unfit(LIMITS)


def test_a_step_does_not_count_where_capacity_was_another_before_than_after():
    assert not of(*steady(), before=50.0, after=60.0).unfit(LIMITS)
    assert of(*steady(), before=50.0, after=20.0).unfit(LIMITS) == (
        "capacity changed around it, from 50 to 20 per second"
    )


def test_the_warm_up_is_written_down_but_does_not_count():
    warm, step = made_up.sent(steady(5), step=-1), overload(steady(10))
    assert len(shown(overload(()), 200.0).response_ms) == 0
    assert len(shown(made_up.Overload(step.step, 50.0, warm), 200.0).response_ms) == 0
    table = requests([made_up.Overload(step.step, 50.0, warm), step], trial=7, block=2, variant="sweetspot")
    assert table.schema.equals(REQUESTS)
    assert table["step"].to_pylist() == [-1] * 5 + [1] * 10
    assert set(table["case"].to_pylist()) == {"2 x capacity"}
    assert set(table["offered_per_s"].to_pylist()) == {100.0}
    assert set(table["trial"].to_pylist()) == {7}


def test_arrivals_are_those_of_the_offered_rate_and_photos_are_all_asked_for():
    drawn = schedule(Step(5.0, 2.0), 40.0, 1.0, photos=10, seed=(1, 2))
    assert int(drawn.measured.sum()) == 400
    assert int((~drawn.measured).sum()) == 20
    assert np.bincount(drawn.photo[drawn.measured]).tolist() == [40] * 10


def test_photos_are_posted_and_answers_judged_by_their_first_label(tmp_path: Path):
    deadlines = set()

    def respond(headers: dict[str, str], body: bytes) -> tuple[int, str]:
        deadlines.add(headers["X-Request-Timeout-Ms"])
        if b"another" in body:
            return 503, ""
        return 200, fake.LABEL if b"an image" in body else "lynx"

    photos = [*fake.PHOTOS, fake.Photo("c.jpg", b"a third", fake.LABEL)]
    with fake.serving(respond) as url, Generator(tmp_path / "load", log=tmp_path / "generator.log") as generator:
        asked = targets(fake.fastapi(), photos, "no-op", deadline_ms=200)
        drawn = schedule(Step(2.0, 0.5), 30.0, 0.1, len(asked), (1,))
        load = generator.send(Plan(url, drawn, asked, 2.0, peer="fastapi"))
    outcomes = dict(zip(load.table["photo_id"].to_pylist(), load.outcome.tolist(), strict=True))
    assert outcomes == {"a.jpg": "ok", "b.jpg": "refused", "c.jpg": "wrong"}
    assert deadlines == {"200"}
    assert len(load.table) == 32  # 30 and a warm-up of 2
