from dataclasses import replace

import pandas as pd
import pytest

from bench.statistics.steady import Steadiness
from bench.statistics.steps import StepFacts, TrialFacts, cpu_between, of_trial, saturated
from runfile.facts import Step, Trial
from tests.unit.bench.toys import request, table

MOST = 1.25
STEPS = (
    Step(step=0, start_s=0.0, seconds=2.0, rate_per_s=50.0, pause_s=1.0, variant="v"),
    Step(step=1, start_s=3.0, seconds=2.0, rate_per_s=100.0, pause_s=2.0, variant="v"),
)
TRIAL = Trial(trial=3, block=2, variant="v", steps=STEPS)
IDLE = pd.DataFrame({"t_ns": [], "process": [], "cpu_percent": []})


def load(took_ms: float = 10.0, growing_ms: float = 0.0) -> list[dict[str, object]]:
    """Both steps, evenly spaced; in the second, answers may take longer and longer."""
    rows = []
    for step in STEPS:
        for number in range(round(step.rate_per_s * step.seconds)):
            at = 1000 * (step.start_s + number / step.rate_per_s)
            took = took_ms + (growing_ms * number if step.step else 0)
            rows.append(request(at, at, at + took, step=step.step, offered_per_s=step.rate_per_s))
    return rows


def facts(rows: list[dict[str, object]], processes: pd.DataFrame = IDLE, lost: int = 0) -> TrialFacts:
    """The facts of a trial, of whose rows so many have got lost since."""
    sent = sum(row["sent_ns"] is not None for row in rows) + lost
    counts = {"scheduled": len(rows) + lost, "completed": sent, "dropped": len(rows) + lost - sent}
    return of_trial(replace(TRIAL, **counts), table(*rows), processes, slo_ms=250.0, most=MOST)


def used(*rows: tuple[float, str, float]) -> pd.DataFrame:
    """Rows of processes.parquet from second, process and per cent."""
    return pd.DataFrame([{"t_ns": round(s * 1e9), "process": name, "cpu_percent": cpu} for s, name, cpu in rows])


def test_a_step_says_whose_it_is_and_what_was_offered():
    found = facts(load())
    assert (found.trial, found.variant) == (3, "v")
    assert [(step.variant, step.block, step.rate) for step in found.steps] == [("v", 2, 50.0), ("v", 2, 100.0)]


def test_a_level_load_is_steady_and_the_books_add_up():
    found = facts(load())
    assert [step.steadiness["prediction"].label for step in found.steps] == ["steady", "steady"]
    assert found.little_error == pytest.approx(0, abs=0.001)


def test_each_step_is_judged_for_itself():
    """In the second step every answer takes 5 ms more than the one before: its queue grows, the first one's did not."""
    found = facts(load(growing_ms=5.0))
    assert [step.steadiness["prediction"].label for step in found.steps] == ["steady", "saturated"]


def test_goodput_counts_by_case_what_was_right_and_in_time_and_only_in_its_own_step():
    late, wrong, edge = request(1000, 1000, 1251), request(1500, 0, 10, outcome="wrong"), request(1000, 1000, 1250)
    page = request(1999, 1999, 2010, case="page")
    found = facts([late, wrong, edge, page, request(4000, 4000, 4010, step=1)]).steps
    assert found[0].goodput == {"prediction": 1.0, "page": 1.0}
    assert found[1].goodput == {"prediction": 1.0}
    assert [step.good for step in found] == [3, 1]  # late is good, but not in time


def test_goodput_is_that_of_the_second_half_so_that_it_does_not_tell_how_long_the_step_was():
    """Of a queue that has just begun to grow, the first answers are still in time, in a longer step the same few."""
    early = [request(at, at, at + 10) for at in range(0, 1000, 100)]
    assert facts(early).steps[0].goodput == {"prediction": 0.0}
    later = [request(at, at, at + 10) for at in range(1000, 2000, 100)]
    assert facts([*early, *later]).steps[0].goodput == facts(later).steps[0].goodput == {"prediction": 10.0}


def test_beyond_capacity_goodput_falls_to_what_is_still_in_time_and_the_backlog_says_why():
    """In the second step every answer takes 5 ms more: from number 48 of 200 on they are too late."""
    found = facts(load(growing_ms=5.0)).steps
    assert [step.goodput for step in found] == [{"prediction": 50.0}, {"prediction": 0.0}]
    assert [step.grew("prediction") for step in found] == [False, True]
    assert found[0].backlog == pytest.approx(0.5)  # 50 a second of 10 ms each
    assert found[1].backlog == pytest.approx(64, abs=3)  # who came after the first 1.3 s of 1.9


def test_the_backlog_is_of_predictions_only():
    pages = [request(at, at, at + 5000, case="page") for at in range(0, 2000, 20)]
    assert facts(pages).steps[0].backlog == 0.0
    assert not facts(pages).steps[0].grew("prediction")


def test_a_case_of_which_nothing_was_good_has_a_goodput_of_nothing():
    assert facts([request(outcome="error")]).steps[0].goodput == {"prediction": 0.0}


def test_a_trial_of_turns_has_no_steps_for_a_turn_is_too_short_for_a_queue_to_show():
    turns = replace(TRIAL, variant="", scheduled=300, completed=300)
    found = of_trial(turns, table(*load()), IDLE, slo_ms=250.0, most=MOST)
    assert found.steps == []
    assert found.little_error == pytest.approx(0, abs=0.001)


def test_what_was_never_sent_takes_part_in_nothing():
    dropped = [request(at, None, None, outcome="dropped") for at in range(100)]
    found = facts([*load(), *dropped])
    assert found == facts(load())


def test_the_books_do_not_add_up_where_an_answer_came_before_its_request():
    rows = load()
    rows[10] = request(1500, 1500, 500)
    assert facts(rows).little_error > 0.05


def test_the_books_do_not_add_up_where_the_table_has_other_rows_than_the_schedule():
    """Of 300, ten are 3 %."""
    rows = load()
    assert facts(rows[10:], lost=10).little_error == pytest.approx(10 / 290, rel=0.1)
    assert facts([*rows, *rows[:10]], lost=-10).little_error == pytest.approx(10 / 310, rel=0.1)


def test_cpu_is_that_of_the_stack_between_two_times_interpolated():
    """Half a core for a second, then a whole one; the generator is not part of the stack."""
    rows = [(second, "web", cpu) for second, cpu in ((0.0, 90.0), (1.0, 50.0), (2.0, 100.0), (3.0, 100.0))]
    other = [(second, "model", 10.0) for second in (0.0, 1.0, 2.0, 3.0)]
    generator = [(second, "generator", 80.0) for second in (0.0, 1.0, 2.0, 3.0)]
    table = used(*rows, *other, *generator)
    assert cpu_between(table, 0.0, 3.0) == pytest.approx(2.5 + 0.3)
    assert cpu_between(table, 0.5, 1.5) == pytest.approx(0.25 + 0.5 + 0.1)


@pytest.mark.parametrize(("start_s", "end_s"), [(0.0, 3.0), (2.0, 7.0)])
def test_cpu_is_not_guessed_where_there_are_no_samples(start_s: float, end_s: float):
    table = used((1.6, "web", 50.0), (3.0, "web", 50.0), (5.0, "web", 50.0))
    assert cpu_between(table, start_s, end_s) is None
    assert cpu_between(table, 1.0, 6.0) is not None


def test_the_cpu_of_a_step_reaches_until_it_had_drained_since_late_answers_cost_as_much():
    """Its own 2 s and the pause behind it: 1 s of the first, of which it took 10 %, 2 s of the second."""
    processes = used(*[(second, "web", 100.0 if second > 3 else 10.0) for second in range(8)])
    assert [step.cpu_s for step in facts(load(), processes).steps] == pytest.approx([0.3, 4.0], rel=0.01)


def of_label(*labels: str, rate: float = 4.0, variant: str = "v") -> list[TrialFacts]:
    steadies = [Steadiness(0.0, 0.0, 1.0, label) for label in labels]
    steps = [StepFacts(variant, 1, rate, {"prediction": each}, {}, 0.0, 0, None) for each in steadies]
    return [TrialFacts(1, variant, [step], None) for step in steps]


def test_a_rate_is_saturated_when_the_queue_grew_in_half_of_its_trials():
    found = [
        *of_label("steady", "saturated"),
        *of_label("saturated", "steady", "steady", rate=8.0),
        *of_label("saturated", variant="w"),
        *of_label("steady", rate=8.0, variant="w"),
    ]
    assert saturated(found) == {("v", "prediction", 4.0), ("w", "prediction", 4.0)}
