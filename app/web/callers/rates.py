"""How often one caller may call: a bucket of calls for each, filled evenly, in the memory of one process."""

from collections import OrderedDict
from dataclasses import dataclass
from time import monotonic

WINDOW_S = 60
MAX_CALLERS = 10_000  # that are remembered; whoever has not called for longest is forgotten


@dataclass(frozen=True)
class Share:
    """What a caller has left.

    Attributes:
        limit: calls a minute.
        left: calls now.
        wait_s: until the next call; 0 if there is one left.
    """

    limit: int
    left: int
    wait_s: int

    def headers(self) -> list[tuple[bytes, bytes]]:
        """Return it as headers (draft-ietf-httpapi-ratelimit-headers)."""
        refilled_s = -(-(self.limit - self.left) * WINDOW_S // self.limit)
        shown = [
            (b"ratelimit-policy", b'"calls";q=%d;w=%d' % (self.limit, WINDOW_S)),
            (b"ratelimit", b'"calls";r=%d;t=%d' % (self.left, refilled_s)),
        ]
        return [*shown, (b"retry-after", b"%d" % self.wait_s)] if self.wait_s else shown


class Rates:
    """The buckets of all callers.

    Args:
        limit: calls a minute, and at once after a pause.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._buckets: OrderedDict[bytes | str, tuple[float, float]] = OrderedDict()  # calls left, and when

    def take(self, caller: bytes | str, now: float | None = None) -> Share:
        """Take a call from a caller's bucket, if there is one."""
        now = monotonic() if now is None else now
        left, at = self._buckets.pop(caller, (float(self._limit), now))
        left = min(float(self._limit), left + (now - at) * self._limit / WINDOW_S)
        wait_s = 0 if left >= 1 else int((1 - left) * WINDOW_S / self._limit) + 1
        left = left if wait_s else left - 1
        self._buckets[caller] = left, now
        if len(self._buckets) > MAX_CALLERS:
            self._buckets.popitem(last=False)
        return Share(self._limit, int(left), wait_s)
