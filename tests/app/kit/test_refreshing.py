"""A value that is renewed: when, by whom, and what the others get meanwhile."""

import asyncio
from collections.abc import Callable, Coroutine
from itertools import count

import pytest

from app.kit import refreshing
from app.kit.refreshing import Refreshing


class Clock:
    """A clock that only the test moves."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 100.0
        monkeypatch.setattr(refreshing, "monotonic", lambda: self.now)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


def counting(clock: Clock, seconds: float = 0.0) -> Callable[[], Coroutine[None, None, int]]:
    numbers = count(1)

    async def compute() -> int:
        await asyncio.sleep(0)
        clock.now += seconds
        return next(numbers)

    return compute


def test_a_value_is_kept_until_it_is_too_old(clock: Clock) -> None:
    async def check() -> None:
        value = Refreshing(counting(clock), min_age_s=5)
        assert [await value.get(), await value.get()] == [1, 1]
        clock.now += 5
        assert await value.get() == 2

    asyncio.run(check())


def test_a_value_that_takes_long_is_kept_longer(clock: Clock) -> None:
    async def check() -> None:
        value = Refreshing(counting(clock, seconds=1), min_age_s=5)
        assert await value.get() == 1
        clock.now += refreshing.AGE_PER_SECOND - 1
        assert await value.get() == 1
        clock.now += 1
        assert await value.get() == 2

    asyncio.run(check())


def test_callers_at_once_share_the_first_value_and_get_the_old_one_while_it_is_renewed(clock: Clock) -> None:
    async def check() -> None:
        value = Refreshing(counting(clock), min_age_s=5)
        assert list(await asyncio.gather(value.get(), value.get())) == [1, 1]
        clock.now += 5
        assert list(await asyncio.gather(value.get(), value.get())) == [2, 1]

    asyncio.run(check())


def test_a_value_is_forgotten_after_a_while(clock: Clock) -> None:
    async def check() -> None:
        value = Refreshing(counting(clock), min_age_s=5, forget_after_s=0.0)
        assert await value.get() == 1
        await asyncio.sleep(0.01)
        assert await value.get() == 2

    asyncio.run(check())
