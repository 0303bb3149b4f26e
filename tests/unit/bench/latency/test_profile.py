from pathlib import Path

import pytest

from bench.exits import UsageProblem
from bench.latency import profile as profiles
from bench.latency.profile import Profile, Rounds, Step
from tests.unit.bench.toys import TINY

NAMES = ("smoke", "quick", "full")
BYSTANDERS = "{ metadata = 10.0, page = 5.0, image = 5.0 }"
STEPS = "[{ load = 0.3, seconds = 1 }, { load = 0.5, seconds = 1 }]"
LOADS = '[{ load = 0.2, rounds = 2, arrivals = "constant" }]'
SECOND = '{ load = 0.1, rounds = 2, arrivals = "poisson" }'


def low_requests(profile: Profile, capacity: float = 40.0) -> float:
    """How many predictions of each variant are measured at low load."""
    low = profile.turns.loads[0]
    return low.load * capacity * profile.turns.seconds * low.rounds * profile.blocks


def test_only_smoke_makes_no_claims_and_the_others_have_the_copy_that_claims_need():
    ours = [profiles.load(name) for name in NAMES]
    assert [profile.verdicts for profile in ours] == [False, True, True]
    assert [profile.again for profile in ours] == [False, True, True]
    assert [profile.control_ms > 0 for profile in ours] == [False, False, True]
    assert [profile.repeats > 0 for profile in ours] == [False, True, True]


@pytest.mark.parametrize("name", NAMES)
def test_every_profile_has_low_load_in_turns_and_climbs_beyond_the_capacity(name: str):
    profile = profiles.load(name)
    assert profile.turns.loads[0].load <= 0.3
    assert profile.turns.loads[0].arrivals == "constant"
    assert profile.steps[0].load < 1 < profile.steps[-1].load
    assert profile.staircases <= profile.blocks


def test_full_has_blocks_enough_for_an_interval_and_a_step_at_capacity():
    full = profiles.load("full")
    assert full.blocks >= 6
    assert 1.0 in {step.load for step in full.steps}


@pytest.mark.parametrize(("name", "needed"), [("quick", 72), ("full", 368)])  # for a 95 % interval of p95, of p99
def test_low_load_has_enough_predictions_for_what_is_promised(name: str, needed: int):
    assert low_requests(profiles.load(name)) >= needed


def test_a_table_of_a_file_can_be_a_profile():
    tiny = profiles.load(str(TINY))
    assert tiny.steps == (Step(0.3, 1.0), Step(0.5, 1.0))
    assert tiny.turns.loads == (Rounds(0.2, 2, "constant"),)
    assert tiny.bystanders == {"metadata": 10.0, "page": 5.0, "image": 5.0}
    assert (tiny.blocks, tiny.capacity_per_s, tiny.again, tiny.arrivals) == (1, 100.0, False, "poisson")


def test_settings_are_flat_and_say_what_was_done():
    settings = profiles.load("full").settings()
    assert settings["rate_metadata_per_s"] == 6.0
    assert settings["turns"] == (
        "16 rounds at 0.25 x the smallest capacity (constant) and 8 rounds at 0.5 x the smallest capacity (poisson), "
        "each turn 0.5 s"
    )
    assert str(settings["steps"]).startswith("0.3 x capacity for 3 s, 0.5 x capacity for 3 s, ")
    assert (settings["blocks"], settings["staircases"], settings["control_ms"], settings["again"]) == (6, 4, 10, True)
    assert all(isinstance(value, str | int | float | bool) for value in settings.values())


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("[latency]", "[latancy]", "no table [latency]"),
        ("blocks = 1", "", "blocks is missing"),
        ("blocks = 1", "blocks = 0", "blocks: must be greater than or equal to 1"),
        ("staircases = 1", "staircases = -1", "staircases: must be greater than or equal to 0"),
        ("slo_ms = 250", "slo_ms = 0", "slo_ms: must be greater than 0"),
        ("blocks = 1", 'blocks = "1"', "blocks: must be a valid integer"),
        ("repeats = 0", "repeats = true", "repeats: must be a valid integer"),
        ("warmup_s = 0.3", "warmup_s = -0.5", "warmup_s: must be greater than or equal to 0"),
        ("warmup_s = 0.3", "warmup_s = inf", "warmup_s: must be a finite number"),
        ("warmup_s = 0.3", "warmup_s = nan", "warmup_s: must be a finite number"),
        ("blocks = 1", "blocks = 1\nspeed = 1", "speed is not known here"),
        ('arrivals = "poisson"', 'arrivals = "bursts"', "arrivals: must be 'poisson' or 'constant'"),
        ("verdicts = false", "verdicts = 0", "verdicts: must be a valid boolean"),
        ("page = 5.0", "pages = 5.0", "bystanders: must be rates of some of: metadata, page, image"),
        (BYSTANDERS, "3", "bystanders: must be an object"),
        ("page = 5.0", "page = 0", "bystanders.page: must be greater than 0"),
        (STEPS, "[]", "steps: loads must rise from one to the next, and there must be one"),
        (STEPS, "3", "steps: must be a valid"),
        (STEPS, "[0.2]", "steps[0] must be a table"),
        ("load = 0.5, seconds = 1", "load = 0.5", "steps[1].seconds is missing"),
        ("load = 0.5, seconds = 1", "load = 0.5, seconds = 1, pause = 1", "steps[1].pause is not known here"),
        ("load = 0.5, seconds = 1", "load = 0.5, seconds = 0", "steps[1].seconds: must be greater than 0"),
        ("load = 0.5,", 'load = "high",', "steps[1].load: must be a valid number"),
        ("load = 0.5,", "load = 0.3,", "steps: loads must rise"),
        ("load = 0.5,", "load = 0.1,", "steps: loads must rise"),
        ("load = 0.2,", "load = 0.31,", "turns: the first load must be at most 0.3, or it is not low"),
        ("load = 0.3,", "load = 0.19,", "steps: the first must not lie below the first load of turns"),
        (LOADS, "[]", "turns: loads must rise from one to the next, and there must be one"),
        (LOADS, f"{LOADS[:-1]}, {SECOND}]", "turns: loads must rise"),
        ("rounds = 2", "rounds = 0", "turns.loads[0].rounds: must be greater than or equal to 1"),
        (', arrivals = "constant"', "", "turns.loads[0].arrivals is missing"),
        ("pause_s = 0.1", "pause = 0.1", "turns.pause_s is missing"),
        ("blocks = 1", "blocks = ", "is not valid TOML"),
    ],
)
def test_a_mistake_in_a_profile_is_named_with_its_key(tmp_path: Path, old: str, new: str, message: str):
    text, path = TINY.read_text(encoding="utf-8"), tmp_path / "mine.toml"
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(UsageProblem) as problem:
        profiles.load(str(path))
    assert message in str(problem.value)
    assert "mine.toml" in str(problem.value)


def test_several_mistakes_are_named_together(tmp_path: Path):
    path = tmp_path / "mine.toml"
    text = TINY.read_text(encoding="utf-8").replace("blocks = 1", "pace = 1").replace("again = false", "")
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UsageProblem) as problem:
        profiles.load(str(path))
    for message in ("blocks is missing", "again is missing", "pace is not known here"):
        assert message in str(problem.value)


def test_no_bystanders_and_no_warm_up_are_no_mistake_and_who_does_not_climb_needs_no_steps(tmp_path: Path):
    path = tmp_path / "mine.toml"
    text = TINY.read_text(encoding="utf-8").replace(BYSTANDERS, "{}").replace("warmup_s = 0.3", "warmup_s = 0")
    path.write_text(text.replace("staircases = 1", "staircases = 0").replace(STEPS, "[]"), encoding="utf-8")
    profile = profiles.load(str(path))
    assert (profile.bystanders, profile.warmup_s, profile.steps) == ({}, 0.0, ())


def test_unknown_profiles_and_missing_files_are_said():
    with pytest.raises(UsageProblem, match="unknown profile 'fast': known are smoke, quick, full"):
        profiles.load("fast")
    with pytest.raises(UsageProblem, match="cannot be read"):
        profiles.load("nowhere.toml")
