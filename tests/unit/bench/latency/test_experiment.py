from dataclasses import replace
from pathlib import Path

import pytest

from bench.latency import expectations
from bench.latency import profile as profiles
from bench.latency.experiment import Latency
from bench.session import preparation
from bench.session.session import Session, Settings
from bench.stacks import stack
from runfile.facts import Arm
from runfile.folder import RunFolder
from tests.unit.bench.toys import CORES, LIMITS, TOY

VARIANTS = ("embedded", "model_as_service", "model_in_db")
SET_UP_S = 5.0  # imports, the report


def asked_for(name: str, count: int = 3, **changes: object) -> Latency:
    stacks = [replace(stack.load(TOY), name=name) for name in VARIANTS[:count]]
    return Latency(replace(profiles.load(name), **changes), stacks, expectations.load())


def session(folder: Path, experiment: Latency) -> Session:
    settings = Settings("x", TOY, folder, 1, LIMITS, [], experiment.stacks)
    return Session(settings, RunFolder(folder, "x"), CORES)


@pytest.mark.parametrize(("name", "budget_s"), [("smoke", 90), ("quick", 150), ("full", 1200)])
def test_a_profile_fits_its_budget_with_three_variants_preparation_included(tmp_path: Path, name: str, budget_s: float):
    experiment = asked_for(name)
    run = session(tmp_path, experiment)
    steps = [*preparation.steps(run, [experiment]), *experiment.steps(run)]
    assert sum(step.seconds for step in steps) + SET_UP_S <= budget_s


def test_a_block_is_turns_of_all_and_then_each_variant_alone_in_a_balanced_order(tmp_path: Path):
    experiment = asked_for("quick", blocks=6, staircases=6)
    texts = [step.text for step in experiment.steps(session(tmp_path, experiment))]
    assert texts[0] == "block 1/6: all in turns at low load"
    orders = [[text.split()[2] for text in texts[start + 1 : start + 4]] for start in range(0, 24, 4)]
    assert len({tuple(order) for order in orders}) == 6  # all orders of three
    assert all(sorted(order) == sorted(VARIANTS) for order in orders)


def test_only_so_many_blocks_have_staircases_as_the_profile_says_and_no_copy_climbs(tmp_path: Path):
    experiment = asked_for("full", blocks=3, staircases=1)
    texts = [step.text for step in experiment.steps(session(tmp_path, experiment))]
    assert [text.split(":")[0] for text in texts if "rising" in text] == ["block 1/3"] * 3
    assert len([text for text in texts if "in turns" in text]) == 3
    assert not [text for text in texts if "again" in text or "ms" in text]


def test_its_repeats_are_added_to_those_of_the_run(tmp_path: Path):
    experiment = asked_for("quick", repeats=3)
    run = session(tmp_path, experiment)
    run.repeats = 2
    experiment.steps(run)
    assert run.repeats == 5


def test_before_anything_is_measured_settings_copies_and_promises_are_known():
    found = asked_for("full").opening()
    assert found.arms == (
        Arm("embedded again", "embedded", "A/A"), Arm("embedded + 10 ms", "embedded", "control", 10.0),
    )  # fmt: skip
    assert (found.verdicts, found.slo_ms, found.settings["blocks"], found.trials) == (True, 250, 6, ())
    assert found.expectations == expectations.load()
    assert not found.validity.valid
