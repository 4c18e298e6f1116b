"""Moments: whole microseconds since 1970 inside, RFC 3339 in UTC outside."""

from datetime import UTC, datetime, timedelta
from time import time_ns

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
DAY_US = timedelta(days=1) // MICROSECOND
EARLIEST_US = (datetime.min.replace(tzinfo=UTC) - EPOCH) // MICROSECOND
LATEST_US = (datetime.max.replace(tzinfo=UTC) - EPOCH) // MICROSECOND


def now_us() -> int:
    """Tell the time."""
    return time_ns() // 1_000


def to_us(moment: datetime) -> int:
    """Count the microseconds since 1970."""
    return (moment - EPOCH) // MICROSECOND


def from_us(moment_us: int) -> datetime:
    """Give the moment, in UTC."""
    return EPOCH + timedelta(microseconds=moment_us)


def database_time(moment: datetime, dialect: str) -> datetime | str:
    """Give a moment as the driver takes it where SQLAlchemy is not between."""
    return moment if dialect == "postgresql" else moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")
