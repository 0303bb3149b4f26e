"""The product's clock: UTC now, and the one text form of a time (RFC 3339, microseconds, `Z`)."""

from datetime import UTC, datetime


def utc_now() -> datetime:
    """Return the current time, aware, in UTC."""
    return datetime.now(UTC)


def rfc3339(time: datetime) -> str:
    """Write an aware time as RFC 3339 in UTC with microseconds: `2026-11-22T13:00:00.000000Z`."""
    return time.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"
