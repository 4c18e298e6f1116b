"""A value that is computed when it is asked for, and again when it has become too old."""

import asyncio
from collections.abc import Awaitable, Callable
from time import monotonic
from typing import Generic, ParamSpec, TypeVar

AGE_PER_SECOND = 20.0  # of computing: that takes a twentieth of the time at most

P = ParamSpec("P")
T = TypeVar("T")


class Refreshing(Generic[P, T]):
    """A value of some age at most, computed for all who ask; while one caller waits for a new one, others get the old.

    Args:
        compute: makes the value; it takes what `get` takes.
        min_age_s: that a value reaches before it is computed again, or `AGE_PER_SECOND` for each second that it took.
        forget_after_s: after which a value that was not computed again is dropped from memory.
        lock: held while computing; values that share one are computed one at a time.
    """

    def __init__(
        self,
        compute: Callable[P, Awaitable[T]],
        *,
        min_age_s: float,
        forget_after_s: float | None = None,
        lock: asyncio.Lock | None = None,
    ) -> None:
        self._compute, self._min_age_s, self._forget_after_s = compute, min_age_s, forget_after_s
        self._lock = lock or asyncio.Lock()
        self._value: T | None = None
        self._due = 0.0
        self._forgetting: asyncio.TimerHandle | None = None

    async def get(self, *args: P.args, **kwargs: P.kwargs) -> T:
        """Return the value."""
        if self._value is not None and (monotonic() < self._due or self._lock.locked()):
            return self._value
        async with self._lock:
            if self._value is None or monotonic() >= self._due:
                started = monotonic()
                self._value = await self._compute(*args, **kwargs)
                self._due = monotonic() + max(self._min_age_s, AGE_PER_SECOND * (monotonic() - started))
                self._forget_later()
            return self._value

    def _forget_later(self) -> None:
        if self._forgetting is not None:
            self._forgetting.cancel()
        if self._forget_after_s is not None:
            self._forgetting = asyncio.get_running_loop().call_later(self._forget_after_s, self._forget)

    def _forget(self) -> None:
        self._value = None
