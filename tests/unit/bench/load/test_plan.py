import json
import pkgutil
from types import SimpleNamespace

import pytest

from bench.load.answers import Verdict
from bench.load.plan import COLUMNS, PRODUCT, Judge, Plan, Target, Turn
from bench.load.schedule import Phase, draw

TARGETS: list[Target] = [
    {"id": "a b", "path": "a%20b", "labels": {"1": ("tabby", "lynx"), "2": ("lynx", "tabby")}},
    {"id": "7", "path": "7"},
]
PHASE = Phase(2.0, {"prediction": 10.0, "page": 5.0})
SCHEDULE = draw(PHASE, [PHASE, PHASE], 2, seed=(1,))
TURNS = [Turn(1, 7.5), Turn(0)]
PLAN = Plan(["http://here:1", "http://there:2"], SCHEDULE, TARGETS, 2.5, TURNS, "json:loads", "7")


def columns(plan: Plan) -> dict[str, list[int]]:
    return {name: getattr(plan.schedule, name).tolist() for name in COLUMNS}


def rest(plan: Plan) -> tuple[object, ...]:
    """All but the schedule and the targets."""
    return list(plan.hosts), plan.deadline_s, list(plan.turns), plan.judge, plan.judge_of


def test_a_plan_survives_the_way_to_the_generator_as_json():
    read = Plan.from_facts(json.loads(json.dumps(PLAN.facts())))
    assert rest(read) == rest(PLAN)
    assert read.schedule.cases == ("prediction", "page")
    assert columns(read) == columns(PLAN)
    assert [target["path"] for target in read.targets] == ["a%20b", "7"]
    assert [target.get("labels") for target in read.targets] == [{"1": ["tabby", "lynx"], "2": ["lynx", "tabby"]}, None]


def test_columns_are_whole_nanoseconds_again():
    assert {str(getattr(Plan.from_facts(PLAN.facts()).schedule, name).dtype) for name in COLUMNS} == {"int64"}


def test_a_share_keeps_everything_but_the_rows_of_others():
    shares = [PLAN.share(index, 3) for index in range(3)]
    for index, share in enumerate(shares):
        assert columns(share) == {name: rows[index::3] for name, rows in columns(PLAN).items()}
        assert (rest(share), share.targets) == (rest(PLAN), TARGETS)
    assert sum(len(share.schedule) for share in shares) == len(SCHEDULE)


def test_every_step_has_a_turn_of_its_own_and_the_warm_up_is_part_of_the_first():
    assert [PLAN.turn(step) for step in (-1, 0, 1)] == [TURNS[0], TURNS[0], TURNS[1]]


def test_without_turns_all_goes_to_the_first_host_and_nothing_is_delayed():
    assert Plan(["http://here:1"], SCHEDULE, [], 1.0).turn(3) == Turn(0, 0.0)


def test_what_is_posted_survives_the_way_to_the_generator():
    labels = {"1": ["tabby"]}
    posted = {"id": "7", "path": "/infer", "labels": labels, "post": {"headers": {"A": "b"}, "body": "aW1hZ2U="}}
    plan = Plan(["http://here:1"], SCHEDULE, [posted], 1.0)
    assert list(Plan.from_facts(json.loads(json.dumps(plan.facts()))).targets) == [posted]


@pytest.mark.parametrize(
    ("case", "photo", "body", "outcome"),
    [("metadata", 1, b'{"id": 7}', "ok"), ("metadata", 0, b'{"id": 7}', "wrong"), ("page", 0, b"<html>", "ok")],
)
def test_the_products_judge_is_found_by_its_name_and_judges_by_the_route(
    case: str, photo: int, body: bytes, outcome: str
):
    plan = Plan(["http://here:1"], SCHEDULE, TARGETS, 1.0)
    judge: Judge = pkgutil.resolve_name(plan.judge)(plan.judge_of)
    assert plan.judge == PRODUCT
    assert judge(case, SimpleNamespace(status=200, body=body), TARGETS[photo]) == Verdict(outcome)
