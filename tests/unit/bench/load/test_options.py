import json
from argparse import ArgumentParser, Namespace
from pathlib import Path

import numpy as np
import pytest

from bench.exits import UsageProblem
from bench.load import options
from bench.load.generator import Load
from bench.load.plan import Plan
from bench.load.samples import CODES, NEVER, Samples
from bench.load.schedule import Phase, draw
from bench.session.runfolder import REQUESTS

HOST = "http://127.0.0.1:8000"
WRONG_RATES = ("fast", "", "0", "-1", "5,", "5,0", "inf", "nan")
WRONG_MIXES = ("", "page", "pages=1", "page=0", "page=-1,image=1", "page=much", "page=inf", "page=nan")
PLAN = Plan(HOST, draw(Phase(0.0, {}), [Phase(1.0, {"page": 4.0})], 2, seed=(1,)), [{"id": "7", "path": "7"}] * 2, 1.0)


def given(*argv: str) -> Namespace:
    parser = ArgumentParser()
    options.add_options(parser)
    return parser.parse_args(argv)


@pytest.fixture
def three_photos(monkeypatch: pytest.MonkeyPatch):
    """A product with three photos, one of which has an id that must be quoted."""
    monkeypatch.setattr(options.Asker, "photo_ids", lambda _: iter(["a b", "2", "3"]))


@pytest.mark.usefixtures("three_photos")
def test_options_stand_for_a_staircase_with_a_warm_up():
    plan = options.plan_of(given("--rate", "6,12", "--seconds", "10", "--warmup", "2", "--deadline", "3"), HOST)
    steps, counts = np.unique(plan.schedule.step, return_counts=True)
    assert dict(zip(steps.tolist(), counts.tolist(), strict=True)) == {-1: 12, 0: 60, 1: 120}
    shares = {case: int((plan.schedule.case == index).sum()) / 192 for index, case in enumerate(plan.schedule.cases)}
    assert shares == pytest.approx({"prediction": 1 / 3, "metadata": 1 / 3, "page": 1 / 6, "image": 1 / 6})
    assert plan.targets[0] == {"id": "a b", "path": "a%20b"}  # no labels: any will do
    assert (plan.host, plan.deadline_s, plan.delay_ms) == (HOST, 3.0, 0.0)
    assert set(plan.schedule.photo.tolist()) == {0, 1, 2}


@pytest.mark.usefixtures("three_photos")
def test_the_seed_and_the_arrivals_are_heard():
    plans = [options.plan_of(given(*more), HOST) for more in ((), (), ("--seed", "2"), ("--arrivals", "constant"))]
    first, again, other, constant = (plan.schedule.offset_ns.tolist() for plan in plans)
    assert first == again
    assert len({tuple(first), tuple(other), tuple(constant)}) == 3


@pytest.mark.usefixtures("three_photos")
@pytest.mark.parametrize(
    ("argv", "message"),
    [
        *[(("--rate", rate), "must be numbers above 0") for rate in WRONG_RATES],
        *[(("--mix", mix), "must look like prediction=2") for mix in WRONG_MIXES],
        (("--seconds", "0"), "--seconds and --deadline must be more than 0"),
        (("--deadline", "0"), "--seconds and --deadline must be more than 0"),
        (("--warmup=-1",), "--warmup and --seed 0 or more"),
        (("--seed=-1",), "--warmup and --seed 0 or more"),
        (("--rate", "0.1", "--seconds", "1"), "nothing to send"),
    ],
)
def test_a_mistake_is_named(argv: tuple[str, ...], message: str):
    with pytest.raises(UsageProblem) as problem:
        options.plan_of(given(*argv), HOST)
    assert message in str(problem.value)


@pytest.mark.parametrize("host", ["https://127.0.0.1:8000", "http://127.0.0.1", "127.0.0.1:8000", "None"])
def test_a_host_that_is_no_http_address_with_a_port_is_named(host: str):
    with pytest.raises(UsageProblem, match="must look like http"):
        options.plan_of(given(), host)


def test_a_product_without_photos_is_said(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(options.Asker, "photo_ids", lambda _: iter([]))
    with pytest.raises(UsageProblem, match="has no photos to ask for"):
        options.plan_of(given(), HOST)


def test_shares_of_a_mix_add_up():
    assert options.mix_of(" page = 3, image=1") == {"page": 0.75, "image": 0.25}


def test_the_plan_of_the_harness_is_taken_as_it_is(tmp_path: Path):
    path = tmp_path / "plan.json"
    path.write_text(json.dumps(PLAN.facts()), encoding="utf-8")
    assert options.plan_of(given("--plan", str(path), "--rate", "not looked at"), "nowhere").facts() == PLAN.facts()


def test_a_plan_that_does_not_come_is_not_awaited_for_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(options, "PLAN_DEADLINE_S", 0.05)
    with pytest.raises(UsageProblem, match=r"there was no .*plan\.json within"):
        options.plan_of(given("--plan", str(tmp_path / "plan.json")), HOST)


def test_samples_become_rows_with_nothing_where_nothing_happened():
    samples = Samples.empty(4)
    for name, values in {"sent_ns": (5, 6, 7), "done_ns": (8, NEVER, 9), "status": (200, 0, 503)}.items():
        samples.numbers[name][:3] = values
    samples.numbers["code"][:] = [CODES[name] for name in ("ok", "error", "refused", "dropped")]
    samples.numbers["infer"][0], samples.words["model_version"][0] = 2.5, "1"
    rows = options.table_of(PLAN, samples).to_pylist()
    assert [row["intended_ns"] for row in rows] == PLAN.schedule.offset_ns.tolist()
    assert [row["sent_ns"] for row in rows] == [5, 6, 7, None]
    assert [row["done_ns"] for row in rows] == [8, None, 9, None]
    assert [row["status"] for row in rows] == [200, None, 503, None]
    assert [row["outcome"] for row in rows] == ["ok", "error", "refused", "dropped"]
    assert [row["stage_infer_ms"] for row in rows] == [2.5, None, None, None]
    assert (rows[0]["model_version"], rows[1]["model_version"]) == ("1", None)
    assert {(row["case"], row["step"], row["photo_id"]) for row in rows} == {("page", 0, "7")}


def test_what_is_written_is_what_the_harness_reads(tmp_path: Path):
    samples = Samples.empty(4)
    samples.connections, samples.requests_sent, samples.loop_lag_ns = 3, 4, [5, 6]
    out = tmp_path / "samples.parquet"
    options.save(given("--samples", str(out)), PLAN, samples, zero_ns=9, processes=2)
    load = Load.read(out)
    assert (load.zero_ns, load.processes, load.connections, load.requests_sent) == (9, 2, 3, 4)
    assert list(load.loop_lag_ns) == [5, 6]
    assert load.outcome.tolist() == ["unsent"] * 4
    assert load.times("sent_ns").tolist() == [NEVER] * 4
    assert set(load.table.column_names) == {*REQUESTS.names} - {"trial", "block", "variant", "offered_per_s"}
    assert [path.name for path in tmp_path.iterdir()] == ["samples.parquet"]


def test_without_a_file_nothing_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    options.save(given(), PLAN, Samples.empty(4), zero_ns=0, processes=1)
    assert not list(tmp_path.iterdir())
