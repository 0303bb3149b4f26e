import pytest

from reports import ReportError, record
from tests.unit.reports import staircase


def read(folder):
    return record.read(folder / "run.json")


def test_a_staircase_is_read_as_a_whole(build):
    run = read(build.staircase())
    assert [step.rate for step in run.trials[0].steps] == list(staircase.RATES.values())
    assert (run.arms[0].name, run.arms[0].of, run.arms[0].kind) == ("embedded again", "embedded", "A/A")
    assert [(floor.metric, floor.half_width) for floor in run.floors or ()][:1] == [("response_p50", 0.04)]
    assert (run.ratios[0].offered, run.ratios[0].claim, run.ratios[3].value) == (4.0, True, None)
    assert [(each.low, each.high) for each in run.capacity] == [(28, 40), (80, None), (40, 80)]
    assert run.capacity[0].points[3].verdict == "fail"
    assert run.crossover is not None
    assert (run.crossover.low, run.crossover.high) == (12, 28)


def test_an_older_run_compares_nothing(build):
    run = read(build())
    assert (run.arms, run.ratios, run.capacity, run.crossover) == ((), (), (), None)
    assert run.floors is None
    assert run.trials[0].steps == ()


def test_a_run_without_an_arm_knows_that_it_has_no_floor(build):
    assert read(build.staircase(noise_floor=[], crossover=None)).floors == ()


def test_a_floor_without_width_is_none(build):
    assert read(build.staircase(noise_floor=[{"metric": "response_p50", "half_width": None}])).floors == ()


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"noise_floor": {}}, "noise_floor"),
        ({"ratios": [{"n": 1.5}]}, r"ratios\[0\].n"),
        ({"capacity": [{"points": 3}]}, r"capacity\[0\].points"),
        ({"crossover": []}, "crossover"),
        ({"gates": [{"fail_above": "much"}]}, r"gates\[0\].fail_above"),
    ],
)
def test_a_wrong_type_is_named_by_its_place(build, changes, place):
    with pytest.raises(ReportError, match=place):
        read(build.staircase(**changes))
