"""The loop of a run: whatever ends it, what was measured is written up, and the shell is told."""

import json
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from bench.exits import Exit, StackFailed
from bench.processes import scratch
from bench.session import loop
from bench.session.experiment import Conclusion, Raw
from bench.session.session import Session, Settings
from runfile import read
from tests.unit.bench.session.fakes import LIMITS, ROW, VALID, Fake, nothing, session

if TYPE_CHECKING:
    from collections.abc import Callable


def interrupt() -> None:
    raise KeyboardInterrupt


def fail() -> None:
    raise StackFailed("the stack did not start")


def break_down() -> None:
    raise ZeroDivisionError("a bug")


def state_of(path: Path) -> str:
    return str(json.loads((path / "run.json").read_text())["state"])


def conducted(tmp_path: Path, experiment: Fake) -> tuple[Exit, Session]:
    this = session(tmp_path, experiment)
    return loop.conduct(this, [experiment]), this


def test_what_is_shown_is_what_is_done(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    experiment = Fake([nothing, nothing, nothing])
    code, this = conducted(tmp_path, experiment)
    assert (code, experiment.done) == (Exit.OK, [0, 1, 2])
    shown = [line.partition(" (")[0] for line in capsys.readouterr().err.splitlines()]
    assert shown == ["step 0", "step 1", "step 2"]
    assert state_of(this.folder.path) == "complete"


@pytest.mark.parametrize("at", range(3))
def test_ctrl_c_at_any_step_keeps_and_writes_up_what_was_measured(tmp_path: Path, at: int):
    steps: list[Callable[[], None]] = [nothing, nothing, nothing]
    steps[at] = interrupt
    experiment = Fake(steps)
    code, this = conducted(tmp_path, experiment)
    assert (code, experiment.done) == (Exit.INTERRUPTED, list(range(at)))
    recorded = read(this.folder.path)
    assert (recorded.run.state, recorded.results) == ("interrupted", (ROW,))
    assert recorded.run.validity.reasons[0] == "the run was interrupted"
    assert (this.folder.path / "report.html").exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_while_the_run_is_written_up_cuts_nothing_short(tmp_path: Path, number: signal.Signals):
    def concluding(_: Raw) -> Conclusion:
        signal.raise_signal(number)
        return Conclusion([ROW], {"validity": VALID})

    def by_terminal(_number: int, _frame: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(number, by_terminal)
    try:
        code, this = conducted(tmp_path, Fake([interrupt], concluding))
    finally:
        assert signal.signal(number, before) is by_terminal, "the handler is there again"
    assert code == Exit.INTERRUPTED
    recorded = read(this.folder.path)
    assert (recorded.run.state, recorded.results) == ("interrupted", (ROW,))


def test_a_failure_ends_the_run_with_its_own_code_and_its_words(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    experiment = Fake([nothing, fail, nothing])
    code, this = conducted(tmp_path, experiment)
    assert (code, experiment.done) == (Exit.NOT_READY, [0])
    assert "sweetspot: the stack did not start" in capsys.readouterr().err
    assert read(this.folder.path).run.state == "failed"


def test_a_bug_is_written_up_too_and_then_goes_on_up(tmp_path: Path):
    experiment = Fake([break_down])
    this = session(tmp_path, experiment)
    with pytest.raises(ZeroDivisionError):
        loop.conduct(this, [experiment])
    recorded = read(this.folder.path)
    assert (recorded.run.state, recorded.results) == ("failed", (ROW,))


def test_a_conclusion_that_breaks_down_leaves_no_run_that_seems_to_go_on(tmp_path: Path):
    experiment = Fake(concludes=lambda _: break_down())  # type: ignore[arg-type,return-value]
    this = session(tmp_path, experiment)
    with pytest.raises(ZeroDivisionError):
        loop.conduct(this, [experiment])
    assert state_of(this.folder.path) == "complete"


def test_the_path_of_the_report_comes_last(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    _, this = conducted(tmp_path, Fake())
    assert capsys.readouterr().out.splitlines() == ["1 rows", str(this.folder.path / "report.html")]


def test_a_run_sweeps_the_work_of_those_that_were_killed_and_of_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    killed, alive, foreign = (tmp_path / name / "work" for name in ("killed", "alive", "foreign"))
    scratch.hold(killed).close()
    (killed / "data").write_text("much")
    foreign.mkdir(parents=True)
    monkeypatch.setattr(loop.cores, "stay_off", lambda _split: None)
    with scratch.hold(alive):
        this = loop.begin(Settings("fake", tmp_path, tmp_path, 1, LIMITS, ["sweetspot"]), [Fake([])])
        assert [path.exists() for path in (killed, alive, foreign, this.folder.work)] == [False, True, True, True]
    loop.conduct(this, [Fake([])])
    assert not this.folder.work.exists()
