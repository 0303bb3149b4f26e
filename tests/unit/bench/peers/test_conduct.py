"""A run with everything made up but the conducting: who is measured when, what is kept, what the shell gets."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from bench.exits import Exit, StackFailed
from bench.gates import thresholds
from bench.peers import conduct, environment, promises
from bench.peers.bare import ImagePath, Vision
from bench.peers.closing import closing_words
from bench.peers.measure import Measured, Place, Rig
from bench.peers.peer import Peer
from bench.peers.profile import Profile, load
from bench.peers.run import Run, Settings, begin
from tests.unit.bench.peers import fake, made_up
from tests.unit.bench.peers.made_up import overload, peer, steady

QUICK = load("quick")


def profile(**changes: object) -> Profile:
    return Profile(**{**QUICK.__dict__, **changes})  # type: ignore[arg-type]


Made = Callable[..., Run]


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Made:
    """Conduct a run whose measurements are made up; `breaks` says which peer breaks how in which block."""
    monkeypatch.setattr(environment, "ready", lambda each: each.name != "new")
    monkeypatch.setattr(Vision, "labelled", lambda *_: fake.PHOTOS)
    monkeypatch.setattr(Vision, "image_path", lambda *_: ImagePath(6.0, 2.0, 50, 50))
    monkeypatch.setattr("bench.machine.cores.stay_off", lambda _: None)  # this process has other tests to run

    def conducted(
        names: Sequence[str] = ("sweetspot", "fastapi"), *, blocks: int = 2, breaks: object = None, **changes: object
    ) -> Run:
        def measure(rig: Rig, place: Place) -> Measured:
            if callable(breaks):
                breaks(place)
            cost = {"sweetspot": 2.2, "fastapi": 3.0}.get(place.peer.name, 4.0) + place.block / 1000
            found = made_up.measured(no_op_ms=cost, block=place.block, overloads=[overload(steady(), before=100.0)])
            return replace(found, place=place)

        monkeypatch.setattr(conduct, "measure", measure)
        settings = Settings(
            profile(blocks=blocks, **changes), [peer(name) for name in names], tmp_path, tmp_path / "runs", 1,
            promises.load(), thresholds.load(), ["sweetspot", "run", "peers"],
        )  # fmt: skip
        run = begin(settings)
        conduct.conduct(run)
        return run

    return conducted


def order(run: Run) -> list[tuple[int, str]]:
    return [(each.place.block, each.place.peer.name) for each in run.measured]


def test_every_peer_is_measured_once_in_every_block_and_the_order_is_balanced(made: Made):
    run = made()
    first, second = ([name for block, name in order(run) if block == number] for number in (1, 2))
    assert sorted(first) == ["fastapi", "sweetspot"]
    assert second == first[::-1]


def test_everything_is_written_down(made: Made):
    run = made()
    facts = run.folder.facts
    assert (facts["schema"], facts["state"], facts["profile"]) == ("sweetspot.run/1", "complete", "quick")
    assert facts["settings"]["experiments"] == "peers"
    assert facts["validity"] == {"valid": True, "reasons": []}
    assert [(each["name"], each["blocks"], each["failed"]) for each in facts["peers"]] == [
        ("sweetspot", 2, ""), ("fastapi", 2, ""),
    ]  # fmt: skip
    assert [trial["trial"] for trial in facts["trials"]] == [1, 2, 3, 4]
    table = pq.read_table(run.folder.path / "requests.parquet")
    assert len(table) == 4 * 100
    assert set(table["case"].to_pylist()) == {"2 x capacity"}
    assert (run.folder.path / "results.csv").read_text().count("own_cost") == 2
    assert not (run.folder.path / "work").exists()


def test_the_shell_gets_whether_a_promise_was_missed(made: Made):
    run = made()  # goodput of 1 at twice capacity, but nothing was measured at five times
    verdicts = {check["title"][:11]: check["verdict"] for check in run.folder.facts["checks"]}
    assert verdicts["No-op model"] == "met"
    assert conduct.exit_code(run) == Exit.OK
    slow = made(breaks=None, names=["fastapi", "sweetspot"], slo_ms=5.0)
    assert conduct.exit_code(slow) == Exit.THRESHOLD_MISSED


def test_without_verdicts_nothing_is_missed(made: Made):
    assert conduct.exit_code(made(slo_ms=5.0, verdicts=False)) == Exit.OK


def test_a_peer_that_fails_is_left_out_and_what_it_showed_before_is_kept(
    made: Made, capsys: pytest.CaptureFixture[str]
):
    def breaks(place: Place) -> None:
        if (place.peer.name, place.block) == ("fastapi", 2):
            raise StackFailed("it ended by itself")

    run = made(blocks=4, breaks=breaks)
    assert order(run).count((1, "fastapi")) == 1
    assert sum(name == "fastapi" for _, name in order(run)) == 1
    assert sum(name == "sweetspot" for _, name in order(run)) == 4
    (gone,) = [each for each in run.folder.facts["peers"] if each["failed"]]
    assert (gone["name"], gone["blocks"], gone["failed"]) == ("fastapi", 1, "it ended by itself")
    assert "Fastapi is left out from here on: it ended by itself" in capsys.readouterr().err
    assert "left out: Fastapi: it ended by itself" in closing_words(run.folder.facts, run.results)
    assert run.folder.facts["state"] == "complete"


def test_a_peer_that_cannot_be_installed_is_left_out_of_everything(made: Made, monkeypatch: pytest.MonkeyPatch):
    def install(each: Peer) -> None:
        raise StackFailed(f"{each.name} cannot be installed")

    monkeypatch.setattr(environment, "install", install)
    run = made(["sweetspot", "new"])
    assert {name for _, name in order(run)} == {"sweetspot"}
    assert run.failed == {"new": "new cannot be installed"}


def test_what_is_missing_is_installed_first(made: Made, monkeypatch: pytest.MonkeyPatch):
    installed: list[str] = []
    monkeypatch.setattr(environment, "install", lambda each: installed.append(each.name))
    run = made(["sweetspot", "new"])
    assert installed == ["new"]
    assert {name for _, name in order(run)} == {"sweetspot", "new"}


def test_ctrl_c_keeps_what_was_measured(made: Made):
    def breaks(place: Place) -> None:
        if (place.block, place.position) == (2, 1):
            raise KeyboardInterrupt

    run = made(breaks=breaks)
    assert len(order(run)) == 2
    facts = run.folder.facts
    assert (facts["state"], len(facts["trials"])) == ("interrupted", 2)
    assert facts["validity"]["reasons"] == ["the run was interrupted"]
    assert conduct.exit_code(run) == Exit.INTERRUPTED
    assert "The run was interrupted; what was measured before is kept." in closing_words(facts, run.results)


def test_when_nobody_could_be_measured_the_shell_is_told(made: Made):
    def breaks(place: Place) -> None:
        raise StackFailed(f"{place.peer.name} is broken")

    run = made(breaks=breaks)
    assert conduct.exit_code(run) == Exit.NOT_READY
    assert run.folder.facts["validity"]["reasons"] == ["no trial was completed"]


def test_a_model_that_cannot_be_run_at_all_ends_the_run(made: Made, monkeypatch: pytest.MonkeyPatch):
    def labelled(*_: object) -> None:
        raise StackFailed("vision classify failed")

    monkeypatch.setattr(Vision, "labelled", labelled)
    run = made()
    assert str(run.failure) == "vision classify failed"
    assert conduct.exit_code(run) == Exit.NOT_READY
    assert run.folder.facts["state"] == "failed"


def test_the_closing_table_has_the_cheapest_server_first(made: Made):
    run = made(["fastapi", "new", "sweetspot"])
    lines = closing_words(run.folder.facts, run.results)
    assert [line.split()[0] for line in lines[1:5]] == ["bare", "sweetspot", "fastapi", "new"]
    assert any(line.startswith("      met: No-op model: own cost") for line in lines)
