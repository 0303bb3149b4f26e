"""A run with everything made up but the conducting: who is measured when, what is kept, what the shell gets."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from bench.exits import Exit, StackFailed
from bench.peers.asking import Photo
from bench.peers.conduct import Hands
from bench.peers.experiment import Peers
from bench.peers.peer import Peer
from bench.peers.sitting import Measured, Rig
from bench.session import loop, writeup
from bench.session.trial import Where
from runfile import Recorded, facts, read
from tests.unit.bench.peers import made_up

Breaks = Callable[[Where], None]


def nothing(_: Where) -> None:
    """Nothing breaks."""


@dataclass
class Made:
    """A run whose measurements are made up; `breaks` may raise, `steals` are shares of CPU, `canaries` milliseconds."""

    tmp_path: Path
    breaks: Breaks = nothing
    vision: made_up.Vision = field(default_factory=made_up.Vision)
    steals: list[float] = field(default_factory=list)
    canaries: list[float] = field(default_factory=list)
    missing: set[str] = field(default_factory=set)
    installs: Callable[[Peer], None] = lambda _: None
    repeats: int = 0
    said: list[str] = field(default_factory=list)
    code: int = -1

    def run(self, *names: str, blocks: int = 2, **changes: object) -> Recorded:
        profile = made_up.profile(blocks=blocks, repeats=self.repeats, **changes)
        hands = Hands(
            ready=lambda each: each.name not in self.missing, install=self.install, vision=lambda _: self.vision,  # type: ignore[arg-type,return-value]
            measure=self.measure,
        )  # fmt: skip
        peers = [made_up.peer(name) for name in names or ("sweetspot", "fastapi")]
        experiment = Peers(profile, peers, hands=hands)
        session = made_up.session(self.tmp_path, experiment.opening())
        session.folder.save(machine=facts.Machine(sut_cores=(0,), generator_cores=(1,), pinned=True))
        self.code = loop.conduct(session, [experiment])
        return read(session.folder.path)

    def install(self, peer: Peer) -> None:
        self.installs(peer)
        self.missing.discard(peer.name)

    def measure(self, rig: Rig, where: Where, peer: Peer) -> Measured:
        number = rig.session.number()
        self.breaks(where)
        cost = {"sweetspot": 2.2, "fastapi": 3.0}.get(peer.name, 4.0) + where.block / 1000
        steal = self.steals.pop(0) if self.steals else 0.0
        found = made_up.measured(peer.name, no_op_ms=cost, block=where.block, steal=steal)
        canary_ms = self.canaries.pop(0) if self.canaries else 20.0
        trial = replace(found.trial, trial=number, position=where.position, canary_ms=canary_ms)
        return replace(found, where=where, trial=trial)


@pytest.fixture
def made(tmp_path: Path) -> Made:
    return Made(tmp_path)


def found_of(run: Recorded) -> facts.Peers:
    assert run.run.experiments.peers is not None
    return run.run.experiments.peers


def order(run: Recorded) -> list[tuple[int, str]]:
    return [(each.block, each.variant) for each in found_of(run).trials]


def broken(*names: str, block: int = 0) -> Breaks:
    def breaks(where: Where) -> None:
        if where.variant in names and block in (0, where.block):
            raise StackFailed("it ended by itself")

    return breaks


def test_every_peer_is_measured_once_in_every_block_and_the_order_is_balanced(made: Made):
    run = made.run()
    first, second = ([name for block, name in order(run) if block == number] for number in (1, 2))
    assert sorted(first) == ["fastapi", "sweetspot"]
    assert second == first[::-1]


def test_everything_is_written_down_and_can_be_derived_again(made: Made):
    run = made.run()
    found = found_of(run)
    assert (run.run.state, found.verdicts, found.slo_ms) == ("complete", True, 200)
    assert run.run.validity == facts.Validity(valid=True)
    assert [(each.name, each.blocks, each.failed) for each in found.peers] == [("sweetspot", 2, ""), ("fastapi", 2, "")]
    assert [trial.trial for trial in found.trials] == [1, 2, 3, 4]
    assert [each.block for each in found.images] == [1, 2]
    table = pq.read_table(run.path / "requests.parquet").to_pandas()
    assert set(table["experiment"]) == {"peers"}
    assert table.groupby(["trial", "case"]).size().to_dict() == {
        (trial, case): 100 for trial in (1, 2, 3, 4) for case in ("no-op", "alone", "8 clients", "2 x capacity")
    }
    results = (run.path / "results.csv").read_text()
    assert results.count("own_cost") == 2
    (run.path / "results.csv").write_text("")
    writeup.again(run.path, {"peers": Peers})
    assert (run.path / "results.csv").read_text() == results
    assert not (run.path / "work").exists()


def test_the_shell_gets_whether_a_promise_was_missed(made: Made):
    checks = {check.title[:11]: check.verdict for check in found_of(made.run()).checks}
    assert (checks["No-op model"], made.code) == ("met", Exit.OK)
    made.run(slo_ms=5.0)
    assert made.code == Exit.THRESHOLD_MISSED
    made.run(slo_ms=5.0, verdicts=False)
    assert made.code == Exit.OK


def test_a_peer_that_fails_is_tried_again(made: Made):
    failures = [StackFailed("a port was taken")]

    def breaks(_: Where) -> None:
        if failures:
            raise failures.pop()

    made.breaks, made.repeats = breaks, 1
    run = made.run()
    assert sorted(order(run)) == [(1, "fastapi"), (1, "sweetspot"), (2, "fastapi"), (2, "sweetspot")]
    (told,) = found_of(run).failed
    assert (told.reason, told.again, made.code) == ("a port was taken", True, Exit.OK)


def test_a_peer_that_fails_in_one_block_is_left_out_of_that(made: Made, capsys: pytest.CaptureFixture[str]):
    made.breaks = broken("fastapi", block=2)
    run = made.run(blocks=3)
    assert sorted(block for block, name in order(run) if name == "fastapi") == [1, 3]
    assert sum(name == "sweetspot" for _, name in order(run)) == 3
    assert [(each.name, each.blocks, each.failed) for each in found_of(run).peers][1] == ("fastapi", 2, "")
    assert "left out: fastapi, block 2: it ended by itself" in capsys.readouterr().out
    assert run.run.state == "complete"


def test_a_peer_that_always_fails_is_told_to_the_shell_and_nobody_is_the_best_without_it(
    made: Made, capsys: pytest.CaptureFixture[str]
):
    made.breaks = broken("ray")
    run = made.run("sweetspot", "fastapi", "ray")
    assert {name for _, name in order(run)} == {"sweetspot", "fastapi"}
    assert (found_of(run).peers[2].failed, made.code) == ("it ended by itself", Exit.NOT_READY)
    best = found_of(run).checks[0]
    assert (best.verdict, "there is no such number of ray" in best.note) == ("withheld", True)
    assert "left out: ray, block 1: it ended by itself" in capsys.readouterr().out
    assert run.run.validity.valid, "what the others showed is as good as ever"


def test_a_peer_that_cannot_be_installed_is_left_out_of_everything(made: Made, capsys: pytest.CaptureFixture[str]):
    def installs(each: Peer) -> None:
        raise StackFailed(f"{each.name} cannot be installed")

    made.missing, made.installs = {"new"}, installs
    run = made.run("sweetspot", "new")
    assert {name for _, name in order(run)} == {"sweetspot"}
    assert (found_of(run).peers[1].failed, made.code) == ("new cannot be installed", Exit.NOT_READY)
    assert "left out: new: new cannot be installed" in capsys.readouterr().out


def test_what_is_missing_is_installed_first(made: Made):
    installed: list[str] = []
    made.missing, made.installs = {"new"}, lambda each: installed.append(each.name)
    run = made.run("sweetspot", "new")
    assert installed == ["new"]
    assert {name for _, name in order(run)} == {"sweetspot", "new"}


def test_ctrl_c_keeps_what_was_measured(made: Made, capsys: pytest.CaptureFixture[str]):
    def breaks(where: Where) -> None:
        if (where.block, where.position) == (2, 1):
            raise KeyboardInterrupt

    made.breaks = breaks
    run = made.run()
    assert (run.run.state, len(order(run)), made.code) == ("interrupted", 2, Exit.INTERRUPTED)
    assert run.results
    assert "the run was interrupted" in run.run.validity.reasons
    assert "The run was interrupted; what was measured before is kept." in capsys.readouterr().out


def test_when_nobody_could_be_measured_the_shell_is_told(made: Made):
    made.breaks = broken("sweetspot", "fastapi")
    run = made.run()
    assert made.code == Exit.NOT_READY
    assert found_of(run).validity.reasons == ("no server was measured",)


class Broken(made_up.Vision):
    def labelled(self, _model: str) -> list[Photo]:
        raise StackFailed("vision classify failed")


def test_a_model_that_cannot_be_run_at_all_ends_the_run(made: Made):
    made.vision = Broken()
    run = made.run()
    assert (run.run.state, made.code, order(run)) == ("failed", Exit.NOT_READY, [])


def test_without_the_image_path_a_run_still_says_everything_about_the_servers(made: Made):
    made.vision = made_up.Vision(fails=StackFailed("vision image-path failed"))
    run = made.run()
    assert (len(order(run)), found_of(run).images, made.code) == (4, (), Exit.OK)
    assert "vision image-path failed" in (run.path / "events.jsonl").read_text()


def test_a_peer_whose_cpu_was_stolen_is_measured_again(made: Made):
    made.steals, made.repeats = [0.3], 1
    run = made.run(blocks=1)
    first, again, _ = found_of(run).trials
    assert (first.variant, first.reason) == (again.variant, "30% of the CPU was stolen")
    assert not again.reason
    assert (run.run.validity.valid, made.code) == (True, Exit.OK)


def test_a_peer_on_cores_of_another_speed_is_measured_again(made: Made):
    made.canaries, made.repeats = [20.0, 20.0, 20.0, 50.0], 1
    run = made.run()
    assert [trial.reason for trial in found_of(run).trials] == [
        "",
        "",
        "",
        "the cores were 150% off their usual speed",
        "",
    ]
    assert run.run.validity.valid


def test_a_run_with_stolen_cpu_is_not_valid(made: Made):
    made.steals = [0.3, 0.3, 0.3, 0.3]
    run = made.run()
    assert (run.run.validity.valid, made.code) == (False, Exit.NOT_VALID)
    assert any(reason.startswith("G6-steal") and "0.3 share" in reason for reason in run.run.validity.reasons)


def test_the_closing_table_has_the_cheapest_server_first(made: Made, capsys: pytest.CaptureFixture[str]):
    made.run("fastapi", "new", "sweetspot")
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[1:5]] == ["bare", "sweetspot", "fastapi", "new"]
    assert any(line.startswith("      met: No-op model: own cost") for line in lines)
