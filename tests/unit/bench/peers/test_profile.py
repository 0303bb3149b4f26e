from pathlib import Path
from typing import Any

import pytest

from bench.exits import UsageProblem
from bench.peers.measure import planned_s
from bench.peers.profile import OURS, check, load
from bench.tomlfile import read_toml

SMOKE: dict[str, Any] = read_toml(OURS)["smoke"]


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


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"blocks": 0}, "blocks must be a number above 0"),
        ({"rounds": 1.5}, "rounds must be a whole number"),
        ({"slice_s": "long"}, "slice_s must be a number above 0"),
        ({"verdicts": 1}, "verdicts must be true or false"),
        ({"peers": "sweetspot"}, "peers must be a list of names"),
        ({"overload": []}, "overload must be a list"),
        ({"overload": [{"load": 2, "seconds": 0}]}, "must be numbers above 0"),
        ({"overload": [{"load": 5, "seconds": 1}, {"load": 2, "seconds": 1}]}, "loads must rise"),
        ({"speed": 1}, "unknown key speed"),
    ],
)
def test_a_mistake_is_named(change: dict[str, object], words: str):
    with pytest.raises(UsageProblem, match=words):
        check({**SMOKE, **change}, "mine", "mine.toml")


def test_a_missing_key_is_named(tmp_path: Path):
    mine = tmp_path / "mine.toml"
    mine.write_text("blocks = 1\n")
    with pytest.raises(UsageProblem, match=r"mine.toml: image_s is missing; .*verdicts is missing"):
        load(str(mine))


def test_an_unknown_name_lists_the_known_ones():
    with pytest.raises(UsageProblem, match="unknown profile 'fast': known are smoke, quick, full"):
        load("fast")
