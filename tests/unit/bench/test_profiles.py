from pathlib import Path

import pytest

from bench import profiles
from bench.exits import UsageProblem
from tests.unit.bench.toys import TINY

OVERHEAD_S = 5.0  # of a trial: starting and stopping its stack
VARIANTS = 3


@pytest.mark.parametrize("name", ["smoke", "quick", "full"])
def test_a_profile_fits_its_budget_with_three_variants(name: str):
    profile = profiles.load(name)
    trial_s = profile.warmup_s + profile.window_s + OVERHEAD_S
    planned_s = VARIANTS * OVERHEAD_S + profile.blocks * (profile.limit_s + 2 + VARIANTS * trial_s)
    assert planned_s <= profile.budget_s


def test_only_smoke_makes_no_claims_and_only_full_goes_through_all_orders():
    assert [profiles.load(name).verdicts for name in ("smoke", "quick", "full")] == [False, True, True]
    assert profiles.load("full").blocks == 6


@pytest.mark.parametrize(("name", "needed"), [("quick", 72), ("full", 368)])  # for a 95 % interval of p95, of p99
def test_a_profile_has_enough_predictions_for_its_tail(name: str, needed: int):
    profile = profiles.load(name)
    assert profile.rates["prediction"] * profile.window_s * profile.blocks >= needed


def test_a_file_can_be_a_profile_and_gives_it_its_name():
    assert profiles.load(str(TINY)).name == "tiny"


def test_settings_are_flat():
    settings = profiles.load("smoke").settings()
    assert settings["rate_prediction_per_s"] == 2.5
    assert all(isinstance(value, str | int | float | bool) for value in settings.values())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("blocks = 1", ""), "blocks is missing"),
        (("blocks = 1", "blocks = 0"), "blocks must be more than 0"),
        (("blocks = 1", 'blocks = "1"'), "blocks must be a number"),
        (("blocks = 1", "blocks = 1\nspeed = 1"), "unknown key speed"),
        (('"poisson"', '"bursts"'), "arrivals must be one of: poisson, constant"),
        (("verdicts = false", "verdicts = 0"), "verdicts must be true or false"),
        (("page = 5.0", "pages = 5.0"), "rates must be a table of some of"),
        (("page = 5.0", "page = 0"), "every rate must be a number above 0"),
        (("blocks = 1", "blocks = "), "is not valid TOML"),
    ],
)
def test_a_mistake_in_a_profile_is_named(tmp_path: Path, change: tuple[str, str], message: str):
    path = tmp_path / "mine.toml"
    path.write_text(TINY.read_text(encoding="utf-8").replace(*change), encoding="utf-8")
    with pytest.raises(UsageProblem) as problem:
        profiles.load(str(path))
    assert message in str(problem.value)
    assert "mine.toml" in str(problem.value)


def test_unknown_profiles_and_missing_files_are_said():
    with pytest.raises(UsageProblem, match="unknown profile 'fast': known are smoke, quick, full"):
        profiles.load("fast")
    with pytest.raises(UsageProblem, match="cannot be read"):
        profiles.load("nowhere.toml")
