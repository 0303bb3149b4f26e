"""The checks against a right server, and against the same server with one thing spoiled at a time."""

import json
from pathlib import Path

import pytest

from bench.conformance import run
from bench.conformance.checks import Result
from bench.conformance.client import Client
from bench.exits import Exit, StackFailed, UsageProblem
from tests.processes import free_port
from tests.unit.bench.conformance.fake import MODEL, Fake, Reply, instead, serving
from tests.unit.bench.conformance.sabotage import METADATA, SABOTAGES, at, broken

# Of models of each kind some checks say nothing: bytes without a second dimension, numbers without elements of bytes.
ALL = run.every_check()
NOT_FOR_NUMBERS = {"binary-element-too-long"}
NOT_FOR_BYTES = {"infer-nested"}


def checked(fake: Fake, version: str | None = None) -> tuple[list[Result], Exit]:
    with serving(fake) as url:
        subject = run.meet(Client(url, seconds=5), MODEL, version, None)
        results = run.ask_all(subject)
    return results, run.exit_code(subject, results)


def failed(results: list[Result]) -> set[str]:
    return {each.id for each in results if each.verdict == "fail"}


@pytest.mark.parametrize("version", [None, "1"])
@pytest.mark.parametrize(
    ("fake", "not_offered"),
    [(Fake(), NOT_FOR_NUMBERS), (Fake("BYTES", (-1,)), NOT_FOR_BYTES)],
    ids=["numbers", "bytes"],
)
def test_a_right_server_passes_everything(fake: Fake, not_offered: set[str], version: str | None) -> None:
    results, code = checked(fake, version)
    assert [(each.id, each.seen) for each in results if each.verdict == "fail"] == []
    assert {each.id for each in results if each.verdict == "not offered"} == not_offered
    assert code == Exit.OK


@pytest.mark.parametrize("name", SABOTAGES)
def test_a_sabotage_trips_the_check_that_is_meant_for_it(name: str) -> None:
    fake, (fake_spoil, expected) = Fake(), SABOTAGES[name]
    fake.spoil = fake_spoil
    results, code = checked(fake)
    assert failed(results) == expected, [each for each in results if each.verdict == "fail"]
    customary = all(each.level == "customary" for each in results if each.verdict == "fail")
    assert code == (Exit.OK if customary else Exit.THRESHOLD_MISSED)


REFUSALS = [check.id for check in ALL if check.asked.endswith(("refused", "refused, with an error in words"))]


@pytest.mark.parametrize("name", REFUSALS)
def test_a_wrong_request_that_breaks_the_server_is_told(name: str) -> None:
    fake = Fake("BYTES", (-1,)) if name in NOT_FOR_NUMBERS else Fake()
    fake.spoil = lambda _, reply: broken(reply) if reply.why == name else reply
    results, _ = checked(fake)
    assert failed(results) == {name}


@pytest.mark.parametrize(
    "instead_of_it",
    [Reply(200, {}), Reply(422, {"detail": "no"}), Reply(400), Reply(400, {"error": ""}), Reply(400, {"error": 1})],
    ids=["accepted", "detail", "empty", "no words", "no string"],
)
def test_wrong_requests_that_are_not_refused_properly_are_told(instead_of_it: Reply) -> None:
    fake = Fake()
    fake.spoil = lambda _, reply: instead_of_it if reply.why in REFUSALS else reply
    results, _ = checked(fake)
    may_be_coerced = {"error-element-type"} if instead_of_it.status == 200 else set()
    assert failed(results) >= set(REFUSALS) - NOT_FOR_NUMBERS - may_be_coerced
    assert not may_be_coerced & failed(results)


def test_every_check_is_tripped_by_one_of_these_tests() -> None:
    tripped = {check for _, expected in SABOTAGES.values() for check in expected} | set(REFUSALS)
    assert {check.id for check in ALL} - tripped == {"model-tensors"}  # it has its own test, below
    assert len({check.id for check in ALL}) == len(ALL)


def test_whatever_can_be_asked_is_asked() -> None:
    modules = (run.health, run.inference, run.errors, run.binary, run.extensions)
    ways = {name for module in modules for name in (*module.ASKS, *getattr(module, "WRONG", ()))}
    assert ways == {check.id for check in ALL}


@pytest.mark.parametrize("tensor", [{"name": "x", "datatype": "FLOAT", "shape": [1]}, {"name": "x"}, 5])
def test_metadata_that_is_no_use_is_told_and_not_a_bug(tensor: object) -> None:
    fake = Fake()
    fake.spoil = at(METADATA, lambda reply: instead(reply, inputs=[tensor]))
    results, code = checked(fake)
    assert {"model-tensors", "infer-json"} <= failed(results)
    assert code == Exit.THRESHOLD_MISSED


def test_what_is_not_advertised_need_not_be_there() -> None:
    fake = Fake()
    fake.extensions = []
    fake.spoil = lambda asked, reply: (
        Reply(404, {"error": "nothing here"}) if "stats" in asked.path or "repository" in asked.path else reply
    )
    results, code = checked(fake)
    verdicts = {each.id: each.verdict for each in results}
    assert failed(results) == set()
    assert (verdicts["binary-raw"], verdicts["classification-form"]) == ("pass", "pass")
    silent = ("statistics-form", "statistics-count", "repository-load-unknown", "schedule-priority", "schedule-timeout")
    assert {verdicts[name] for name in silent} == {"not offered"}
    assert code == Exit.OK


def test_a_server_without_versions_may_say_so() -> None:
    fake = Fake()
    fake.spoil = lambda asked, reply: (
        Reply(501, {"error": "no versions here"}) if "/versions/" in asked.path
        else instead(reply, versions=None) if asked.path == METADATA
        else instead(reply, model_version=None) if reply.document and "model_version" in reply.document
        else reply
    )  # fmt: skip
    results, code = checked(fake)
    assert {each.id for each in results if each.verdict == "not offered"} - NOT_FOR_NUMBERS == {
        "model-ready-version", "model-versions", "model-metadata-version", "infer-version", "infer-model-version",
        "error-unknown-version",
    }  # fmt: skip
    assert code == Exit.OK


def test_a_server_that_falls_silent_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    fake = Fake()
    with serving(fake) as url:
        subject = run.meet(Client(url, seconds=5), MODEL, None, None)
    results = run.ask_all(subject)
    assert failed(results) == {each.id for each in results} - {
        each.id for each in results if each.verdict == "not offered"
    }
    assert {each.seen for each in results[run.SILENT :]} == {"not asked: the server had stopped answering"}
    assert run.exit_code(subject, results) == Exit.THRESHOLD_MISSED


def test_the_model_comes_from_the_index_or_has_to_be_named() -> None:
    fake = Fake()
    with serving(fake) as url:
        assert run.meet(Client(url, seconds=5), None, None, None).model == MODEL
        with pytest.raises(UsageProblem, match="no model other"):
            run.meet(Client(url, seconds=5), "other", None, None)
        fake.spoil = at("/v2/repository/index", lambda _: Reply(404, {"error": "nothing here"}))
        with pytest.raises(UsageProblem, match="--model"):
            run.meet(Client(url, seconds=5), None, None, None)


def test_no_server_there() -> None:
    with pytest.raises(StackFailed, match="is the server running"):
        run.conformance(f"http://127.0.0.1:{free_port()}", None, None, None, None)


def test_the_users_own_bytes_are_what_is_sent(tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    with serving(fake := Fake("BYTES", (-1,))) as url:
        with pytest.raises(UsageProblem, match="--bytes"):
            run.conformance(url, MODEL, None, mine, None)
        with pytest.raises(UsageProblem, match="cannot read /dev/zero: it is a pipe, a socket or a device"):
            run.conformance(url, MODEL, None, Path("/dev/zero"), None)
        mine.write_bytes(b"mine alone")
        run.conformance(url, MODEL, None, mine, None)
    assert any(asked.body.endswith(b"mine alone") for asked in fake.asked)


def test_what_is_printed_and_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fake, out = Fake(), tmp_path / "found.json"
    fake.spoil = SABOTAGES["infer-id"][0]
    with serving(fake) as url:
        assert run.conformance(url, None, None, None, out) == Exit.THRESHOLD_MISSED
        with pytest.raises(UsageProblem, match="--json"):
            run.conformance(url, None, None, None, tmp_path / "nowhere" / "found.json")
    printed = capsys.readouterr().out
    assert "binary_tensor_data (advertised)" in printed
    assert "asked: the id of a request comes back [REST: Inference Request JSON Object]" in printed
    last = "39 of 40 required checks pass, 6 of 6 customary ones; extensions: binary_tensor_data 11 of 11, "
    assert last in printed
    facts = json.loads(out.read_text())
    assert (facts["schema"], facts["model"], facts["exit_code"]) == ("sweetspot.conformance/1", MODEL, 6)
    assert [check["id"] for check in facts["checks"] if check["verdict"] == "fail"] == ["infer-id"]
