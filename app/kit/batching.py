"""Batching: the requests that wait while a batch runs share the next one."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Hashable, Sequence
from typing import Generic, NamedTuple, TypeVar

Request = TypeVar("Request")
Result = TypeVar("Result")


class Waiting(NamedTuple, Generic[Request, Result]):
    """A request, and where its result is awaited."""

    request: Request
    result: asyncio.Future[Result]


class Batcher(Generic[Request, Result]):
    """Runs requests in batches, one batch after the other, in the order in which they came.

    Args:
        run: handles a batch and returns a result for each of its requests.
        max_size: of a batch; a single request may be larger.
        size: of a request.
        key: requests share a batch only if their keys are equal.
        fatal: errors that would meet every request alike. After any other, each request of the batch runs by itself.
        hopeless: fatal errors that would meet those that wait too, after as long a time; they fail at once.
    """

    def __init__(
        self,
        run: Callable[[Sequence[Request]], Awaitable[Sequence[Result]]],
        *,
        max_size: int,
        size: Callable[[Request], int] = lambda _: 1,
        key: Callable[[Request], Hashable] = lambda _: None,
        fatal: type[Exception] | tuple[()] = (),
        hopeless: tuple[type[Exception], ...] = (),
    ) -> None:
        self._run, self._max_size, self._size, self._key = run, max_size, size, key
        self._fatal, self._hopeless = fatal, hopeless
        self._waiting: deque[Waiting[Request, Result]] = deque()
        self._running: asyncio.Task[None] | None = None

    async def submit(self, request: Request) -> Result:
        """Run a request in the next batch; raises what its batch raised."""
        result: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._waiting.append(Waiting(request, result))
        if self._running is None:
            self._running = asyncio.create_task(self._run_all())
        return await result

    @property
    def num_waiting(self) -> int:
        """How many requests wait for the batch that runs."""
        return len(self._waiting)

    async def close(self) -> None:
        """Wait until everything submitted has run."""
        if self._running:
            await self._running

    async def _run_all(self) -> None:
        try:
            while self._waiting:
                await self._run_batch(self._next_batch())
        finally:
            self._running = None

    def _next_batch(self) -> list[Waiting[Request, Result]]:
        batch = [self._waiting.popleft()]
        size, key = self._size(batch[0].request), self._key(batch[0].request)
        while self._waiting and self._key(request := self._waiting[0].request) == key:
            if (size := size + self._size(request)) > self._max_size:
                break
            batch.append(self._waiting.popleft())
        return batch

    async def _run_batch(self, batch: Sequence[Waiting[Request, Result]]) -> None:
        try:
            results = await self._run([waiting.request for waiting in batch])
        except Exception as error:
            if len(batch) > 1 and not isinstance(error, self._fatal):
                for waiting in batch:
                    await self._run_batch([waiting])
                return
            others = list(self._waiting) if isinstance(error, self._hopeless) else []
            for waiting in (*batch, *others):
                if not waiting.result.done():
                    waiting.result.set_exception(error)
            if others:
                self._waiting.clear()
        else:
            for waiting, result in zip(batch, results, strict=True):
                if not waiting.result.done():  # the client went away
                    waiting.result.set_result(result)
