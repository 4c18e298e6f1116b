"""When to try again, and how long to wait before."""

import random
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx2

RETRYABLE = {429, 502, 503, 504}
NEVER_CONNECTED = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout)
TOO_MANY_REQUESTS = 429  # a server that answers so has not begun

Outcome = httpx2.Response | httpx2.RequestError


@dataclass(frozen=True, kw_only=True)
class Retry:
    """Exponential back-off with full jitter: before the nth retry a random wait up to ``first_s * 2**(n - 1)``.

    The server's Retry-After is waited for in addition. A wait longer than ``longest_s`` is not begun: the error is
    raised at once, and says `retry_after_s`.
    """

    tries: int = 5  # calls in all; 1: no retry
    first_s: float = 0.2
    longest_s: float = 20.0

    def pause_s(self, num_tries: int, outcome: Outcome, *, is_repeatable: bool) -> float | None:
        """Return how long to wait, in seconds, before a call is tried again after ``num_tries``; None: it is not."""
        if num_tries >= self.tries or not may_repeat(outcome, is_repeatable=is_repeatable):
            return None
        server_pause = retry_after_s(outcome) or 0.0
        pause = server_pause + random.uniform(0, min(self.first_s * 2 ** (num_tries - 1), self.longest_s))  # noqa: S311
        return pause if server_pause <= self.longest_s else None


def may_repeat(outcome: Outcome, *, is_repeatable: bool) -> bool:
    """Return whether trying again may help and does no harm."""
    if isinstance(outcome, httpx2.Response):
        return outcome.status_code in RETRYABLE and (is_repeatable or outcome.status_code == TOO_MANY_REQUESTS)
    return is_repeatable or isinstance(outcome, NEVER_CONNECTED)


def retry_after_s(outcome: Outcome) -> float | None:
    """Return Retry-After, seconds or a date, as seconds from now; None where there is none that can be read."""
    value = outcome.headers.get("Retry-After", "") if isinstance(outcome, httpx2.Response) else ""
    if value.isdecimal():
        return float(value)
    try:
        return max(0.0, (parsedate_to_datetime(value) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):
        return None
