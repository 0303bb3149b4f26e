from dataclasses import replace
from pathlib import Path

import pytest

from bench.exits import UsageProblem
from bench.latency import conductor
from bench.latency import profile as profiles
from bench.latency.arms import arms_of
from bench.latency.profile import Profile, Step
from bench.latency.run import Run, Settings
from bench.stacks import stack
from tests.unit.bench.toys import TINY, TOY

NAMES = ("smoke", "quick", "full")
VARIANTS = ("embedded", "model_as_service", "model_in_db")
BYSTANDERS = "{ metadata = 10.0, page = 5.0, image = 5.0 }"
STEPS = "[{ load = 0.2, seconds = 1 }, { load = 0.4, seconds = 1 }]"


def planned_s(profile: Profile) -> float:
    """What the harness itself expects of a run of three variants whose capacities are alike."""
    stacks = [replace(stack.load(TOY), name=name) for name in VARIANTS]
    settings = Settings(["latency"], profile, stacks, TOY, TOY, 1, [], None, [])
    return conductor.plan(Run(settings, None, None, arms_of(stacks, profile))).total_s


@pytest.mark.parametrize(("name", "budget_s"), [("smoke", 90), ("quick", 120), ("full", 1200)])
def test_a_profile_fits_its_budget_with_three_variants(name: str, budget_s: float):
    profile = profiles.load(name)
    assert profile.budget_s == budget_s
    assert planned_s(profile) <= budget_s


def test_only_smoke_makes_no_claims_and_only_full_has_the_copies():
    ours = [profiles.load(name) for name in NAMES]
    assert [profile.verdicts for profile in ours] == [False, True, True]
    assert [profile.again for profile in ours] == [False, False, True]
    assert [profile.control_ms > 0 for profile in ours] == [False, False, True]


def test_full_has_a_block_for_an_interval_and_goes_from_low_load_to_twice_the_capacity():
    full = profiles.load("full")
    assert full.blocks >= 6
    loads = [step.load for step in full.steps]
    assert min(loads) <= 0.3
    assert 1.0 in loads
    assert max(loads) == 2.0


@pytest.mark.parametrize(("name", "needed"), [("quick", 6), ("full", 72)])  # for a 95 % interval of p50, of p95
def test_low_load_has_enough_predictions_for_what_is_promised(name: str, needed: int):
    profile = profiles.load(name)
    low = profile.steps[0]
    assert low.load * 40 * low.seconds * profile.blocks >= needed  # at a capacity of 40 a second


def test_a_file_can_be_a_profile_and_gives_it_its_name():
    tiny = profiles.load(str(TINY))
    assert tiny.name == "tiny"
    assert tiny.steps == (Step(0.2, 1.0), Step(0.4, 1.0))
    assert tiny.bystanders == {"metadata": 10.0, "page": 5.0, "image": 5.0}
    assert (tiny.blocks, tiny.capacity_per_s, tiny.again, tiny.arrivals) == (1, 100.0, False, "poisson")


def test_settings_are_flat_and_hold_everything():
    settings = profiles.load("smoke").settings()
    assert settings["rate_metadata_per_s"] == 4.0
    assert settings["steps"] == "0.1 x capacity for 3 s, 0.5 x capacity for 2 s, 2 x capacity for 1 s"
    assert {*profiles.KEYS, *profiles.SWITCHES, "arrivals"} < set(settings)
    assert all(isinstance(value, str | int | float | bool) for value in settings.values())


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("blocks = 1", "", "blocks is missing"),
        ("blocks = 1", "blocks = 0", "blocks must be more than 0"),
        ("slo_ms = 250", "slo_ms = 0", "slo_ms must be more than 0"),
        ("budget_s = 20", "budget_s = 0", "budget_s must be more than 0"),
        ("blocks = 1", 'blocks = "1"', "blocks must be a number, 0 or more"),
        ("repeats = 0", "repeats = true", "repeats must be a number, 0 or more"),
        ("warmup_s = 0.5", "warmup_s = -0.5", "warmup_s must be a number, 0 or more"),
        ("warmup_s = 0.5", "warmup_s = inf", "warmup_s must be a number, 0 or more"),
        ("warmup_s = 0.5", "warmup_s = nan", "warmup_s must be a number, 0 or more"),
        ("blocks = 1", "blocks = 1\nspeed = 1", "unknown key speed"),
        ('"poisson"', '"bursts"', "arrivals must be one of: poisson, constant"),
        ("verdicts = false", "verdicts = 0", "verdicts must be true or false"),
        ("again = false", 'again = "no"', "again must be true or false"),
        ("page = 5.0", "pages = 5.0", "bystanders must be a table of some of: metadata, page, image"),
        (BYSTANDERS, "3", "bystanders must be a table of some of"),
        ("page = 5.0", "page = 0", "every rate must be above 0"),
        (STEPS, "[]", "steps must be a list of"),
        (STEPS, "3", "steps must be a list of"),
        (STEPS, "[0.2]", "steps must be a list of"),
        ("load = 0.4, seconds = 1", "load = 0.4", "steps must be a list of"),
        ("load = 0.4, seconds = 1", "load = 0.4, seconds = 1, pause = 1", "steps must be a list of"),
        ("load = 0.4, seconds = 1", "load = 0.4, seconds = 0", "load and seconds of every step must be numbers above"),
        ("load = 0.4,", 'load = "high",', "load and seconds of every step must be numbers above 0"),
        ("load = 0.4,", "load = 0.2,", "loads must rise from step to step, the first at most 0.3"),
        ("load = 0.4,", "load = 0.1,", "loads must rise"),
        ("load = 0.2,", "load = 0.31,", "loads must rise from step to step, the first at most 0.3"),
        ("blocks = 1", "blocks = ", "is not valid TOML"),
    ],
)
def test_a_mistake_in_a_profile_is_named(tmp_path: Path, old: str, new: str, message: str):
    text, path = TINY.read_text(encoding="utf-8"), tmp_path / "mine.toml"
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(UsageProblem) as problem:
        profiles.load(str(path))
    assert message in str(problem.value)
    assert "mine.toml" in str(problem.value)


def test_no_bystanders_and_no_warm_up_are_no_mistake(tmp_path: Path):
    path = tmp_path / "mine.toml"
    text = TINY.read_text(encoding="utf-8").replace(BYSTANDERS, "{}").replace("warmup_s = 0.5", "warmup_s = 0")
    path.write_text(text, encoding="utf-8")
    assert (profiles.load(str(path)).bystanders, profiles.load(str(path)).warmup_s) == ({}, 0.0)


def test_several_mistakes_are_named_together():
    with pytest.raises(UsageProblem, match=r"it: unknown key pace; again is missing; .*warmup_s is missing"):
        profiles.check({"pace": 1}, "it", "it")
    with pytest.raises(UsageProblem, match="it must be a table"):
        profiles.check(3, "it", "it")


def test_unknown_profiles_and_missing_files_are_said():
    with pytest.raises(UsageProblem, match="unknown profile 'fast': known are smoke, quick, full"):
        profiles.load("fast")
    with pytest.raises(UsageProblem, match="cannot be read"):
        profiles.load("nowhere.toml")
