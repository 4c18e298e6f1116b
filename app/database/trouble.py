"""What went wrong with the database in this process: for the log, for the figures, and for readiness."""

from collections import Counter
from dataclasses import dataclass
from time import monotonic
from typing import NamedTuple

from app.kit.errors import DatabaseUnavailable

LOG_EVERY_S = 5.0  # one line of a kind, however many calls fail
REMEMBERED_S = 60.0  # that a failed write is a problem, unless one succeeds


class Failure(NamedTuple):
    """A write that failed, and when on the clock that only goes forward."""

    cause: str
    at_s: float


@dataclass
class Waits:
    """How often writers asked for the lock that one of them has, and how long they waited for it in all."""

    count: int = 0
    seconds: float = 0.0

    def add(self, seconds: float) -> None:
        """Add one wait."""
        self.count += 1
        self.seconds += seconds


class Trouble:
    """Counts the calls that the database failed."""

    def __init__(self, *, is_logged: bool) -> None:
        self._is_logged = is_logged
        self.num_failures = Counter[str]()  # by the error's code
        self._num_silent = Counter[str]()  # not logged
        self._logged_at = dict[str, float]()
        self._failed_write: Failure | None = None

    def note(self, error: DatabaseUnavailable, *, is_write: bool) -> None:
        """Count a failure, and log its reason unless that was done a moment ago."""
        code, now = error.code(), monotonic()
        self.num_failures[code] += 1
        if is_write:
            self._failed_write = Failure(error.cause if error.was_reached else error.detail, now)
        if now - self._logged_at.get(code, -LOG_EVERY_S) < LOG_EVERY_S:
            self._num_silent[code] += 1
        elif self._is_logged:
            self._log(code, error, "write" if is_write else "read")

    def _log(self, code: str, error: DatabaseUnavailable, during: str) -> None:
        import structlog  # a small command does without

        self._logged_at[code] = monotonic()
        num_others = self._num_silent.pop(code, 0)
        structlog.get_logger().warning(code.replace("-", "_"), reason=error.cause, during=during, unlogged=num_others)

    def note_written(self) -> None:
        """Forget the failed write: the database takes them again."""
        self._failed_write = None

    def problem(self) -> str | None:
        """Return what is wrong with writing, if the last one failed a moment ago."""
        failed = self._failed_write
        if failed is None or monotonic() - failed.at_s > REMEMBERED_S:
            return None
        return f"the last write failed: {failed.cause}"
