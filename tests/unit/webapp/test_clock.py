from datetime import UTC, datetime, timedelta, timezone

from webapp.clock import rfc3339, utc_now


def test_times_are_utc_with_microseconds() -> None:
    time = datetime(2026, 11, 22, 15, 0, 0, 5, tzinfo=timezone(timedelta(hours=2)))
    assert rfc3339(time) == "2026-11-22T13:00:00.000005Z"


def test_now_is_aware() -> None:
    assert utc_now().tzinfo is UTC
