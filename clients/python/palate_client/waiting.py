"""How the two clients wait: where `_async` calls `async_sleep`, `_sync` calls `sleep`."""

import asyncio
import time
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

sleep, async_sleep = time.sleep, asyncio.sleep


def run_blocking(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Call a function that waits for a disk."""
    return function(*args, **kwargs)


async def async_run_blocking(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Call a function that waits for a disk, in a thread."""
    return await asyncio.to_thread(function, *args, **kwargs)


def iterate(rows: Iterable[T] | AsyncIterable[T]) -> Iterable[T]:
    """Return rows to go through with `for`.

    Raises:
        TypeError: if they can only be awaited.
    """
    if isinstance(rows, AsyncIterable):
        raise TypeError("these rows can only be awaited: use AsyncClient")
    return rows


async def async_iterate(rows: Iterable[T] | AsyncIterable[T]) -> AsyncIterator[T]:
    """Yield rows of either kind, for `async for`."""
    if isinstance(rows, AsyncIterable):
        async for row in rows:
            yield row
    else:
        for row in rows:
            yield row
