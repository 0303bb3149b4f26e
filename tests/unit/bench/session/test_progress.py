import pytest

from bench.session.experiment import Step
from bench.session.progress import Lines, Plan, clock


def test_the_remaining_time_is_what_is_planned_for_what_is_not_over(capsys: pytest.CaptureFixture[str]):
    show = Lines(Plan([Step("one", 60, print), Step("two", 30, print)]))
    assert show.plan.remaining_s() == 90
    with show:
        show.step()
        show.step()
    assert capsys.readouterr().err == "one (about 1 min 30 s left)\ntwo (about 30 s left)\n"


@pytest.mark.parametrize(("seconds", "text"), [(0, "about 0 s"), (59.4, "about 59 s"), (61, "about 1 min 01 s")])
def test_durations_are_for_people(seconds: float, text: str):
    assert clock(seconds) == text
