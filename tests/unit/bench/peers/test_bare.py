"""The bare model, by way of the command line of `vision`, for real: everything else is held against it."""

import json
from pathlib import Path

import psutil
import pytest

from bench.exits import StackFailed, UsageProblem
from bench.peers.bare import Vision, not_taken, parse_image_path, photo_files
from bench.peers.slices import MODEL, NO_OP

LIMIT = ["vision", "limit"]


@pytest.fixture
def vision(tmp_path: Path, catalogue: Path, models: Path) -> Vision:
    photos = tmp_path / "photos"
    photos.mkdir()
    for name in ("coffee-1.jpg", "chelsea-1.jpg"):
        (photos / name).write_bytes((catalogue / name).read_bytes())
    return Vision(photos, tmp_path / "work", tmp_path / "logs", (), models)


def test_photos_come_with_the_label_of_the_model_in_the_order_of_the_bare_loop(vision: Vision):
    found = vision.labelled(MODEL)
    assert [each.name for each in found] == ["chelsea-1.jpg", "coffee-1.jpg"]
    assert found[1].label == "espresso"
    assert found[1].image == (vision.photos / "coffee-1.jpg").read_bytes()


def test_the_model_that_does_nothing_says_the_same_of_every_photo_and_is_quicker(vision: Vision):
    assert len({each.label for each in vision.labelled(NO_OP)}) == 1
    with vision.bare_loop(NO_OP) as no_op, vision.bare_loop(MODEL) as model:
        assert 0 < no_op.turn(0.3).mean_ms < model.turn(0.3).mean_ms


def test_the_bare_loop_stays_for_the_next_turn_and_rests_until_then(vision: Vision):
    with vision.bare_loop(NO_OP) as loop:
        loop.turn(0.1)
        (process,) = [each for each in psutil.Process().children(recursive=True) if each.cmdline()[2:4] == LIMIT]
        before = process.cpu_times()
        with pytest.raises(psutil.TimeoutExpired):
            process.wait(0.3)  # whoever has this turn shares the core
        assert process.cpu_times() == before
        assert loop.turn(0.1).mean_ms > 0
    assert not process.is_running()


def test_the_image_path_is_compared_with_the_usual_one(vision: Vision):
    found = vision.image_path(3, 0.2)
    assert (found.block, found.photos) == (3, 2)
    assert 0 <= found.same <= 2
    assert found.ours_ms > 0
    assert found.reference_ms > 0


def test_what_fails_is_told_with_its_last_words(vision: Vision):
    with (
        vision.bare_loop("no-such-model") as loop,
        pytest.raises(StackFailed, match=r"(?s)bare model failed \(exit code 2\).*no-such-model"),
    ):
        loop.turn(0.1)


def test_the_mean_and_not_the_median_is_compared():
    told = {"reference_ns": [2_000_000, 2_000_000, 8_000_000], "ours_ns": [1_000_000] * 3, "photos": 50, "same": 49}
    found = parse_image_path(json.dumps(told), 1)
    assert (found.reference_ms, found.ours_ms, found.same, found.photos) == (4.0, 1.0, 49, 50)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"reference_ns": [], "ours_ns": [], "photos": 1, "same": 1}'])
def test_anything_else_is_not_taken_for_a_measurement(text: str):
    with pytest.raises(StackFailed, match="something else than its JSON"):
        parse_image_path(text, 1)


def test_a_folder_without_photos_is_a_mistake(tmp_path: Path):
    (tmp_path / "notes.txt").write_text("no photo")
    with pytest.raises(UsageProblem, match="no photos in"):
        photo_files(tmp_path)


def test_what_is_no_photo_by_its_name_is_told(tmp_path: Path):
    for name in ("a.jpg", "b.PNG", "notes.txt", "\udcff.gif", ".hidden"):
        (tmp_path / name).touch()
    (tmp_path / "folder.jpg").mkdir()
    (tmp_path / "._a.jpg").touch()  # as macOS leaves them on other people's disks
    reason = "its name ends with none of .jpeg, .jpg, .png, .webp"
    assert [path.name for path in photo_files(tmp_path)] == ["a.jpg", "b.PNG"]
    assert not_taken(tmp_path) == [f"'notes.txt': {reason}", rf"'\udcff.gif': {reason}"]
