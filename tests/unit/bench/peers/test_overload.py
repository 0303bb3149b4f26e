"""What a step of an overload showed, worked out from requests that are made up; and sending one for real."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa

from bench.load.generator import Generator
from bench.load.plan import Plan
from bench.peers.asking import JUDGE, Photo, targets
from bench.peers.overload import schedule, table
from bench.peers.profile import Step
from runfile.columns import REQUESTS, schema_of
from tests.unit.bench.peers import fake, made_up
from tests.unit.bench.peers.made_up import LATE, LIMITS, shown, steady

NEVER = math.nan


def test_goodput_is_what_was_right_and_in_time_while_the_load_lasted():
    step = shown(
        (0, 0, 199, 200, "ok"),
        (100, 100, 301, 200, "ok"),  # 201 ms: too late
        (300, 300, 320, 200, "wrong"),
        (400, 400, 402, 503, "refused"),
        (900, 900, 1001, 200, "ok"),  # in time, but when the load was over
        (900, 900, 1000, 200, "ok"),
        before=10.0,
    )
    assert step.goodput_per_s == 2


def test_capacity_is_that_around_the_step_and_the_offered_rate_that_before():
    step = made_up.Step(load=2.0, before=50.0, after=30.0).fact()
    assert (step.rate_per_s, step.capacity_per_s) == (100, 40)
    assert made_up.Step(before=50.0).fact().capacity_per_s == 50


def test_loads_that_differ_are_different_cases():
    names = [made_up.Step(load=load).fact().case for load in (2.0, 2.001, 2.004, 0.5)]
    assert names == ["2 x capacity", "2.001 x capacity", "2.004 x capacity", "0.5 x capacity"]


def test_a_refusal_is_no_quick_answer_and_not_among_the_accepted():
    step = shown(
        (0, 0, 100, 200, "ok"), (0, 0, 2, 503, "refused"), (0, 0, 3, 429, "refused"), (10, 10, 14, 503, "refused")
    )
    assert step.accepted_ms.tolist() == [100]
    assert step.took_ms[step.refused].tolist() == [2, 3, 4]
    assert step.refused.mean() == 0.75
    assert step.response_ms.tolist() == [100, math.inf, math.inf, math.inf]


def test_who_accepts_and_does_not_answer_gets_no_better_percentile_for_it():
    step = shown((0, 0, 100, 200, "ok"), (0, 0, 6000, 0, "timeout"), (0, 0, 5, 500, "error"), (0, 0, 30, 200, "wrong"))
    assert step.accepted_ms.tolist() == [100, math.inf, math.inf, math.inf]


def test_a_step_counts_if_it_was_sent_in_time_and_as_a_whole():
    assert not shown(*steady()).unfit(LIMITS)
    assert "the generator was late: 40 ms at p99" in shown(*LATE).unfit(LIMITS)
    dropped = [*steady(), (990, NEVER, NEVER, 0, "dropped"), (990, NEVER, NEVER, 0, "dropped")]
    assert "did not send everything: 100 of 102 sent, 2 dropped" in shown(*dropped).unfit(LIMITS)
    assert "did not send everything" in shown().unfit(LIMITS)


def test_a_step_does_not_count_where_capacity_was_another_before_than_after():
    assert not shown(*steady(), before=50.0, after=60.0).unfit(LIMITS)
    assert shown(*steady(), before=50.0, after=20.0).unfit(LIMITS) == (
        "capacity changed around it, from 50 to 20 per second"
    )


def test_the_warm_up_is_written_down_but_does_not_count():
    step = replace(made_up.Step().fact(), step=7)
    both = pa.concat_tables([made_up.sent(steady(5), step=-1).table, made_up.sent(steady(10)).table])
    found = table(step, both)
    assert found.schema.equals(schema_of(REQUESTS))
    assert found["step"].to_pylist() == [-1] * 5 + [7] * 10
    assert found["counted"].to_pylist() == [False] * 5 + [True] * 10
    assert set(found["case"].to_pylist()) == {"2 x capacity"}
    assert set(found["offered_per_s"].to_pylist()) == {100.0}


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

    photos = [*fake.PHOTOS, Photo("c.jpg", b"a third", fake.LABEL)]
    with fake.serving(respond) as url, Generator(tmp_path / "load", log=tmp_path / "generator.log") as generator:
        asked = targets(fake.fastapi(), photos, "no-op", deadline_ms=200)
        drawn = schedule(Step(2.0, 0.5), 30.0, 0.2, len(asked), (1,))
        load = generator.start(Plan([url], drawn, asked, 2.0, judge=JUDGE, judge_of="fastapi")).finish()
    outcomes = dict(zip(load.table["photo_id"].to_pylist(), load.outcome.tolist(), strict=True))
    assert outcomes == {"a.jpg": "ok", "b.jpg": "refused", "c.jpg": "wrong"}
    assert deadlines == {"200"}
    assert len(load.table) == 33  # 30 and a warm-up of 3
