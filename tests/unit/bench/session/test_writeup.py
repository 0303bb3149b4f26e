"""The write-up: derived from what was recorded, and again from the folder; what the shell gets."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from bench.exits import Exit, UsageProblem
from bench.session import loop, writeup
from bench.session.experiment import Conclusion
from runfile import facts, read
from runfile.facts import (
    Check,
    Experiments,
    Failed,
    Gate,
    Latency,
    Machine,
    Null,
    Peers,
    PeerTrial,
    Run,
    Trial,
    Validity,
)
from tests.unit.bench.session.fakes import LIMITS, ROW, VALID, Fake, session

APART = Machine(sut_cores=(0,), generator_cores=(1,), pinned=True)
TRIAL = Trial(1, 1, "one")


def check(verdict: str) -> Check:
    return Check("promise", 1.0, 0.9, 1.1, 1.0, "x", 4, verdict)  # type: ignore[arg-type]


def run(state: str = "complete", *, valid: bool = True, found: Sequence[facts.Found] = ()) -> Run:
    named = {"latency" if isinstance(each, Latency) else "peers": each for each in found}
    return Run(state=state, experiments=Experiments().put(named), validity=Validity(valid=valid))  # type: ignore[arg-type]


GOOD = Latency(verdicts=True, trials=(TRIAL,), validity=VALID)
LEFT_OUT = Failed(1, "two", "did not start", again=False, code=3)


@pytest.mark.parametrize(
    ("of", "code"),
    [
        (run(found=[GOOD]), Exit.OK),
        (run("interrupted", valid=False, found=[GOOD]), Exit.INTERRUPTED),
        (run(valid=False, found=[GOOD]), Exit.NOT_VALID),
        (run(valid=False, found=[replace(GOOD, verdicts=False)]), Exit.OK),
        (run(found=[replace(GOOD, checks=(check("missed"),))]), Exit.THRESHOLD_MISSED),
        (run(found=[replace(GOOD, checks=(check("withheld"), check("met")))]), Exit.OK),
        # Left out of one block only: told, but the run goes on and its numbers are good.
        (run(found=[replace(GOOD, failed=(replace(LEFT_OUT, variant="one"),))]), Exit.OK),
        (run(found=[replace(GOOD, failed=(LEFT_OUT,))]), Exit.NOT_READY),
        (run(valid=False, found=[replace(GOOD, trials=(), failed=(LEFT_OUT,))]), Exit.NOT_READY),
        (run(found=[replace(GOOD, failed=(replace(LEFT_OUT, again=True),))]), Exit.OK),
        (run(found=[GOOD, Peers(verdicts=True, trials=(PeerTrial(1, 1, "a"),), failed=(LEFT_OUT,))]), Exit.NOT_READY),
    ],
)
def test_the_shell_gets_the_worst_of_it(of: Run, code: Exit):
    assert writeup.exit_code(of) == code


def test_a_run_is_valid_where_all_experiments_and_the_session_are():
    other = Validity(reasons=("late",))
    concluding = {"latency": Fake(), "peers": Fake(concludes=lambda _: Conclusion([], {"validity": other}))}
    both = replace(run(found=[GOOD, Peers()]), machine=APART)
    tables = [pd.DataFrame({"experiment": []})] * 2
    told, _ = writeup.derived(both, tables, concluding, LIMITS)
    assert told.validity == Validity(reasons=("late",))
    assert (told.experiments.latency or GOOD).validity.valid, "one experiment's gate does not void the other"
    shared = replace(both, machine=replace(APART, generator_cores=(0,)))
    told, _ = writeup.derived(shared, tables, concluding, LIMITS)
    assert told.validity.reasons[0].startswith("cores:")


def test_a_number_that_is_none_does_not_keep_a_run_from_being_saved(tmp_path: Path):
    this = session(tmp_path)
    this.folder.save(null=Null(2000.0, float("nan"), float("inf")))
    this.folder.save_found("latency", gates=(Gate("G1", "late", value=float("nan")),))
    assert loop.conduct(this, [Fake()]) == Exit.NOT_VALID  # nothing can be said of the generator
    recorded = read(this.folder.path)
    assert (recorded.run.state, recorded.run.null) == ("complete", Null(2000.0, None, None))


def test_results_can_be_derived_again_from_the_folder(tmp_path: Path):
    experiment = Fake()
    this = session(tmp_path, experiment)
    loop.conduct(this, [experiment])
    results, facts_ = (this.folder.path / name for name in ("results.csv", "run.json"))
    before = results.read_bytes(), facts_.read_bytes()
    results.unlink()
    page = writeup.again(this.folder.path, {"latency": experiment})  # type: ignore[dict-item]
    assert (results.read_bytes(), facts_.read_bytes()) == before
    assert page == this.folder.path / "report.html"


def test_without_the_raw_files_nothing_can_be_derived(tmp_path: Path):
    this = session(tmp_path)
    loop.conduct(this, [Fake()])
    (this.folder.path / "requests.parquet").unlink()
    with pytest.raises(UsageProblem, match=r"requests\.parquet is missing"):
        writeup.again(this.folder.path, {"latency": Fake()})  # type: ignore[dict-item]


def test_new_statistics_are_put_on_an_old_run(tmp_path: Path):
    this = session(tmp_path)
    loop.conduct(this, [Fake()])
    newer = Fake(concludes=lambda _: Conclusion([ROW, replace(ROW, metric="response_p95")], {"validity": VALID}))
    writeup.again(this.folder.path, {"latency": newer})  # type: ignore[dict-item]
    assert [row.metric for row in read(this.folder.path).results or ()] == ["response_p50", "response_p95"]


def test_a_run_that_may_still_be_going_on_keeps_its_facts(tmp_path: Path):
    this = session(tmp_path)
    before = (this.folder.path / "run.json").read_bytes()
    writeup.again(this.folder.path, {"latency": Fake()})  # type: ignore[dict-item]
    assert (this.folder.path / "run.json").read_bytes() == before
    assert (read(this.folder.path).results or ()) == (ROW,)
