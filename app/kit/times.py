"""Moments: whole microseconds since 1970 inside, RFC 3339 in UTC outside."""

from datetime import UTC, datetime, timedelta
from time import time_ns
from typing import Any

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
DAY_US = timedelta(days=1) // MICROSECOND
EARLIEST_US = (datetime.min.replace(tzinfo=UTC) - EPOCH) // MICROSECOND
FIRST_YEAR = 1900
RFC3339 = "must be RFC 3339 with a time zone, such as 2026-11-23T10:15:00Z"
LATEST_US = (datetime.max.replace(tzinfo=UTC) - EPOCH) // MICROSECOND


def now_us() -> int:
    """Return the time in microseconds since 1970."""
    return time_ns() // 1_000


def to_us(moment: datetime) -> int:
    """Count the microseconds since 1970."""
    return (moment - EPOCH) // MICROSECOND


def from_us(moment_us: int) -> datetime:
    """Return the moment, in UTC."""
    return EPOCH + timedelta(microseconds=moment_us)


def database_time(moment: datetime, dialect: str) -> datetime | str:
    """Return a moment as the driver itself takes it, without SQLAlchemy."""
    return moment if dialect == "postgresql" else moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")


def rfc3339(value: Any) -> Any:
    """Refuse the numbers that pydantic would take for times: a caller who sends milliseconds would not notice.

    Raises:
        ValueError: if the value is not text that starts like a date.
    """
    if isinstance(value, str) and value[4:5] != "-":
        raise ValueError(RFC3339)
    if isinstance(value, int | float):
        raise ValueError(f"must be text: it {RFC3339}")
    return value


def in_utc(moment: datetime) -> datetime:
    """Return a moment in UTC, if both databases can keep it.

    Raises:
        ValueError: if it lies before 1900 or after 9999.
    """
    try:
        moment = moment.astimezone(UTC)
    except OverflowError:
        moment = datetime.min
    if moment.year < FIRST_YEAR:
        raise ValueError(f"must lie between the years {FIRST_YEAR} and 9999")
    return moment
