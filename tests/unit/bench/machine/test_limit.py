from pathlib import Path

import pytest

from bench.exits import StackFailed
from bench.machine import limit
from bench.machine.limit import Pace, measure, paces, parse

GOOD = '{"samples_ns": [3000000], "decode_ns": [1000000], "infer_ns": [2000000], "provider": "cpu"}'


def test_nanoseconds_become_milliseconds_by_quantity():
    found = parse(GOOD)
    assert found.samples_ms == {"response": [3.0], "stage_decode": [1.0], "stage_infer": [2.0]}
    assert found.provider == "cpu"


@pytest.mark.parametrize("text", ["", "{}", "no model", '{"samples_ns": 3, "decode_ns": [], "infer_ns": []}'])
def test_anything_else_is_refused(text: str):
    with pytest.raises(StackFailed, match="something else than its JSON"):
        parse(text)


def test_the_bare_model_is_driven_like_the_load_and_then_without_a_pause_for_a_third_of_the_time():
    assert paces(12.5, 3.0) == (Pace("prediction", 12.5, 3.0), Pace("back to back", 0.0, 1.0))


@pytest.fixture
def stub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Stands in for the interpreter: notes how it was called, answers as the test says."""

    def made(answer: str, code: int = 0) -> Path:
        program, called = tmp_path / "python", tmp_path / "called"
        text = f"#!/bin/sh\necho \"$@\" > {called}\ncat <<'END'\n{answer}\nEND\necho no model here >&2\nexit {code}\n"
        program.write_text(text, encoding="utf-8")
        program.chmod(0o755)

        class Sys:
            executable = str(program)

        monkeypatch.setattr(limit, "sys", Sys)
        return called

    return made


def test_the_loop_is_run_at_its_pace_on_the_photos_and_its_answer_is_read(tmp_path: Path, stub):
    called = stub(GOOD)
    found = measure(tmp_path, "2", Pace("back to back", 2.5, 0.5), (), tmp_path / "logs")
    assert found.samples_ms["response"] == [3.0]
    words = called.read_text().split()
    assert words[:4] == ["-m", "vision", "limit", str(tmp_path)]
    assert dict(zip(words[4::2], words[5::2], strict=True)).items() >= {
        ("--version", "2"), ("--seconds", "0.5"), ("--rate", "2.5"),
    }  # fmt: skip


def test_a_loop_that_fails_is_said_with_its_last_words(tmp_path: Path, stub):
    stub("", code=3)
    with pytest.raises(StackFailed, match=r"the raw limit failed \(exit code 3\)") as failure:
        measure(tmp_path, "1", Pace("prediction", 1.0, 0.5), (), tmp_path / "logs")
    assert "    no model here" in str(failure.value)


def test_a_loop_that_does_not_end_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stub):
    called = stub(GOOD)
    called.parent.joinpath("python").write_text("#!/bin/sh\nexec sleep 600\n", encoding="utf-8")
    monkeypatch.setattr(limit, "START_ALLOWANCE_S", 0.1)
    with pytest.raises(StackFailed, match="the raw limit did not finish"):
        measure(tmp_path, "1", Pace("prediction", 1.0, 0.1), (), tmp_path / "logs")
