import json

from bench.load.plan import COLUMNS, Plan
from bench.load.schedule import Phase, draw

TARGETS = [{"id": "a b", "path": "a%20b", "labels": ("tabby", "lynx")}, {"id": "7", "path": "7"}]
PHASE = Phase(2.0, {"prediction": 10.0, "page": 5.0})
PLAN = Plan("http://here:1", draw(PHASE, [PHASE, PHASE], 2, seed=(1,)), TARGETS, 2.5, delay_ms=7.5)


def columns(plan: Plan) -> dict[str, list[int]]:
    return {name: getattr(plan.schedule, name).tolist() for name in COLUMNS}


def test_a_plan_survives_the_way_to_the_generator_as_json():
    read = Plan.from_facts(json.loads(json.dumps(PLAN.facts())))
    assert (read.host, read.deadline_s, read.delay_ms) == ("http://here:1", 2.5, 7.5)
    assert read.schedule.cases == ("prediction", "page")
    assert columns(read) == columns(PLAN)
    assert [list(target.get("labels", ())) for target in read.targets] == [["tabby", "lynx"], []]
    assert [target["path"] for target in read.targets] == ["a%20b", "7"]


def test_columns_are_whole_nanoseconds_again():
    assert {str(getattr(Plan.from_facts(PLAN.facts()).schedule, name).dtype) for name in COLUMNS} == {"int64"}


def test_a_share_keeps_everything_but_the_rows_of_others():
    shares = [PLAN.share(index, 3) for index in range(3)]
    for index, share in enumerate(shares):
        assert columns(share) == {name: rows[index::3] for name, rows in columns(PLAN).items()}
        assert (share.host, share.targets, share.deadline_s, share.delay_ms) == ("http://here:1", TARGETS, 2.5, 7.5)
    assert sum(len(share.schedule) for share in shares) == len(PLAN.schedule)


def test_nothing_is_delayed_unless_it_is_asked_for():
    assert Plan("", PLAN.schedule, [], 1.0).delay_ms == 0


def test_what_is_posted_and_to_whom_survives_the_way_to_the_generator():
    posted = {"id": "7", "path": "/infer", "labels": ["tabby"], "post": {"headers": {"A": "b"}, "body": "aW1hZ2U="}}
    plan = Plan("http://here:1", PLAN.schedule, [posted], 1.0, peer="fastapi")
    read = Plan.from_facts(json.loads(json.dumps(plan.facts())))
    assert (list(read.targets), read.peer) == ([posted], "fastapi")
    assert Plan.from_facts(PLAN.facts()).peer == ""
