from pathlib import Path

import pytest

from bench.exits import UsageProblem
from bench.peers.profile import OURS, load
from bench.peers.sitting import planned_s

SMOKE = OURS.read_text().partition("[quick]")[0].replace("[smoke]", "[peers]")


def test_smoke_claims_nothing_and_needs_no_environment_of_its_own():
    smoke = load("smoke")
    assert not smoke.verdicts
    assert set(smoke.peers) == {"sweetspot", "fastapi"}


def test_full_has_enough_blocks_for_an_interval_and_every_profile_offers_twice_and_five_times():
    assert load("full").blocks >= 4
    assert {tuple(step.load for step in load(name).overload) for name in ("smoke", "quick", "full")} == {(2, 5)}


@pytest.mark.parametrize(("name", "peers", "most_s"), [("smoke", 2, 60), ("quick", 7, 420), ("full", 7, 1980)])
def test_the_planned_times_are_those_that_the_help_promises(name: str, peers: int, most_s: float):
    profile = load(name)
    assert profile.blocks * peers * planned_s(profile) <= most_s


def test_the_settings_are_flat():
    settings = load("quick").settings()
    assert settings["overload"] == "2 x capacity for 3 s, 5 x capacity for 3 s"
    assert {type(value) for value in settings.values()} <= {int, float, bool, str}


def mine(tmp_path: Path, text: str) -> str:
    path = tmp_path / "mine.toml"
    path.write_text(text)
    return str(path)


def test_a_file_of_ones_own_has_a_table_for_each_experiment(tmp_path: Path):
    assert load(mine(tmp_path, f"[latency]\nanything = 1\n{SMOKE}")) == load("smoke")
    with pytest.raises(UsageProblem, match=r"mine.toml: no table \[peers\]"):
        load(mine(tmp_path, "[latency]"))


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("blocks = 1", "blocks = 0", "blocks: must be greater than or equal to 1"),
        ("rounds = 2", "rounds = 1.5", "rounds: must be a valid integer"),
        ("slice_s = 0.3", "slice_s = 'long'", "slice_s: must be a valid number"),
        ("slice_s = 0.3", "slice_s = inf", "slice_s: "),
        ("verdicts = false", "verdicts = 1", "verdicts: must be a valid boolean"),
        ("peers = [", "peers = 'sweetspot' #", "peers: must be a valid"),
        ("overload = [", "overload = [] #", "overload: must not be empty"),
        ("seconds = 1 }", "seconds = 0 }", r"overload\[0\].seconds: must be greater than 0"),
        ("load = 2", "load = 5", "overload: loads must rise from step to step"),
        ("blocks = 1", "blocks = 1\nbudget_s = 300", "budget_s is not known here"),
        ("image_s = 0.5", "", "image_s is missing"),
    ],
)
def test_a_mistake_is_named(tmp_path: Path, old: str, new: str, words: str):
    with pytest.raises(UsageProblem, match=words):
        load(mine(tmp_path, SMOKE.replace(old, new, 1)))


def test_an_unknown_name_lists_the_known_ones():
    with pytest.raises(UsageProblem, match="unknown profile 'fast': known are smoke, quick, full"):
        load("fast")
