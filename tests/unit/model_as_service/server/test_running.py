"""The batch on the model, at times made up."""

from model_as_service.server.running import Running


def test_a_slow_model_is_given_ten_times_what_it_usually_takes() -> None:
    running = Running(begun=0.0, expected=10.0, safe=20.0, decoded=1.0)
    assert not running.hangs(100.0)
    assert running.hangs(102.0)


def test_a_photo_that_is_slow_to_decode_is_no_model_that_hangs() -> None:
    running = Running(begun=0.0, expected=0.01, safe=0.02)
    assert [running.decodes_for_long(now) for now in (1.0, 3.0)] == [False, True]
    assert [running.hangs(now) for now in (60.0, 301.0)] == [False, True]
    running.note_decoded(60.0)
    assert not running.decodes_for_long(61.0)
    assert [running.hangs(now) for now in (89.0, 91.0)] == [False, True]


def test_a_batch_that_is_late_has_as_long_to_go_as_it_has_been_going() -> None:
    running = Running(begun=100.0, expected=1.0, safe=2.0)
    assert [running.left(now) for now in (100.0, 101.5, 102.0, 110.0)] == [2.0, 0.5, 2.0, 10.0]
