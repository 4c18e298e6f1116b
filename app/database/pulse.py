"""Whether the database is silent: a server that was stopped, or that a cut network hides, refuses nothing."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress

TICK_S = 0.25
ENDING_S = 0.05  # for a call to end by itself once its connection is gone


class Pulse:
    """Watches the calls under way, and asks the database whether it lives when one of them waits.

    Args:
        ask: gets any answer at all from the database, on a connection of its own; forgets that connection if cancelled.
        silence_s: without an answer, after which all calls end, and new ones do not begin until there is one.
        cut: ends every connection.
    """

    def __init__(self, ask: Callable[[], Awaitable[None]], silence_s: float, cut: Callable[[], None]) -> None:
        self._ask, self._silence_s, self._cut = ask, silence_s, cut
        self._calls: dict[asyncio.Timeout, float] = {}
        self._watching: asyncio.Task[None] | None = None
        self.is_silent = False

    @contextmanager
    def watch(self, limit: asyncio.Timeout) -> Iterator[None]:
        """Watch a call; ``limit`` is how it is ended."""
        self._calls[limit] = asyncio.get_running_loop().time()
        if self._watching is None:
            self._watching = asyncio.create_task(self._watch())
        try:
            yield
        finally:
            del self._calls[limit]

    async def _watch(self) -> None:
        try:
            while self._calls:
                await asyncio.sleep(TICK_S)
                if self._is_any_late() and not await self._answers():
                    await self._wait_for_answer()
        finally:
            self._watching, self.is_silent = None, False

    def _is_any_late(self) -> bool:
        oldest = next(iter(self._calls.values()), None)
        return oldest is not None and asyncio.get_running_loop().time() - oldest >= TICK_S

    async def _answers(self) -> bool:
        """Ask, and wait in short steps: one that this process slept through counts once, however long it was."""
        asking = asyncio.ensure_future(self._ask())
        for _ in range(max(1, round(self._silence_s / TICK_S))):
            await asyncio.wait({asking}, timeout=TICK_S)
            if asking.done():
                return not isinstance(asking.exception(), TimeoutError)  # an error is an answer too
        asking.cancel()
        with suppress(asyncio.CancelledError, Exception):
            await asking
        return False

    async def _wait_for_answer(self) -> None:
        self.is_silent = True
        self._cut()
        end = asyncio.get_running_loop().time() + ENDING_S
        for limit in self._calls:
            if not limit.expired():
                limit.reschedule(end)
        while True:
            try:
                await self._ask()
                break
            except TimeoutError:
                continue
            except Exception:
                break
        self.is_silent = False

    async def close(self) -> None:
        """Stop watching."""
        if self._watching is not None:
            self._watching.cancel()
            with suppress(asyncio.CancelledError):
                await self._watching
