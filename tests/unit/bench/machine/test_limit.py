from pathlib import Path

import pytest

from bench.exits import StackFailed
from bench.machine.limit import BareLoop, Limit, parse

GOOD = '{"samples_ns": [3000000, 5000000], "decode_ns": [1000000, 1], "infer_ns": [2000000, 2], "provider": "cpu"}'
LIMIT = Limit([3_000_000, 5_000_000], [1_000_000, 1], [2_000_000, 2], "cpu")
SECOND_NS = 1_000_000_000


def test_what_the_bare_model_prints_is_read():
    assert parse(GOOD) == LIMIT
    assert LIMIT.mean_ms == 4.0


@pytest.mark.parametrize("text", ["", "{}", "no model", '{"samples_ns": 3, "decode_ns": [], "infer_ns": []}'])
def test_anything_else_is_refused(text: str):
    with pytest.raises(StackFailed, match="something else than its JSON"):
        parse(text)


def test_as_rows_photos_are_evenly_spaced_where_they_were_paced():
    assert LIMIT.rows(7 * SECOND_NS, rate_per_s=4.0) == [
        {"intended_ns": at, "sent_ns": at, "done_ns": at + took, "stage_decode_ms": decode, "stage_infer_ms": infer,
         "outcome": "ok"}
        for at, took, decode, infer in ((7 * SECOND_NS, 3_000_000, 1.0, 2.0), (7_250_000_000, 5_000_000, 1e-6, 2e-6))
    ]  # fmt: skip


def test_as_rows_they_follow_each_other_where_there_was_no_pause():
    first, second = LIMIT.rows(-SECOND_NS, rate_per_s=0.0)
    assert (first["intended_ns"], first["done_ns"]) == (-SECOND_NS, 3_000_000 - SECOND_NS)
    assert (second["intended_ns"], second["done_ns"]) == (3_000_000 - SECOND_NS, 8_000_000 - SECOND_NS)


@pytest.fixture
def photos(tmp_path: Path, jpeg: bytes) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    (folder / "one.jpg").write_bytes(jpeg)
    return folder


def test_the_real_loop_has_turns_at_a_rate_and_without_a_pause(tmp_path: Path, photos: Path, models: Path):
    with BareLoop(photos, log=tmp_path / "log", cores=(), model="no-op", models=models) as loop:
        paced, free, again = loop.turn(0.4, 10.0), loop.turn(0.4), loop.turn(0.01, 10.0)
    assert len(paced.samples_ns) <= 5 < len(free.samples_ns)
    assert again.samples_ns
    assert paced.provider == free.provider
    assert [sum(parts) for parts in zip(paced.decode_ns, paced.infer_ns, strict=True)] == paced.samples_ns


def test_a_loop_that_fails_is_said_with_its_last_words(tmp_path: Path, models: Path):
    (tmp_path / "empty").mkdir()
    with (
        BareLoop(tmp_path / "empty", log=tmp_path / "log", cores=(), model="no-op", models=models) as loop,
        pytest.raises(StackFailed, match=r"(?s)the bare model failed \(exit code 1\).*no photos in"),
    ):
        loop.turn(0.1)
