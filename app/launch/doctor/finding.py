"""What a check found."""

from datetime import datetime
from enum import StrEnum
from typing import NamedTuple


class Level(StrEnum):
    """How a check went."""

    OK = "ok"
    NOTE = "note"  # worth knowing; nothing has to be done
    MEND = "mend"  # something has to be done


class Finding(NamedTuple):
    """One line: what was looked at, how it is, and what to do."""

    check: str
    level: Level
    found: str
    advice: str = ""


def age(since: datetime, now: datetime) -> str:
    """Write how long ago something was."""
    minutes = max(0, round((now - since).total_seconds() / 60))
    if minutes < 120:
        return f"{minutes} minutes"
    return f"{minutes // 60} hours" if minutes < 48 * 60 else f"{minutes // 1440} days"


def gigabytes(num_bytes: int) -> str:
    """Write a number of bytes."""
    return f"{num_bytes / 1e9:.1f} GB"
