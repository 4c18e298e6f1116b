"""Batches of requests: who shares one, and whom a failure reaches."""

import asyncio
from collections.abc import Sequence

import pytest

from app.kit.batching import Batcher


class Recorder:
    """Doubles numbers, refuses negative ones, and notes the batches."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []

    async def run(self, batch: Sequence[int]) -> list[int]:
        self.batches.append(list(batch))
        await asyncio.sleep(0)
        if min(batch) < 0:
            raise ValueError("negative")
        return [2 * number for number in batch]


async def submit_all(batcher: Batcher[int, int], numbers: Sequence[int]) -> list[int | BaseException]:
    return await asyncio.gather(*map(batcher.submit, numbers), return_exceptions=True)


def test_requests_that_wait_share_a_batch_up_to_its_size() -> None:
    recorder = Recorder()
    assert asyncio.run(submit_all(Batcher(recorder.run, max_size=2), [1, 2, 3])) == [2, 4, 6]
    assert recorder.batches == [[1, 2], [3]]


def test_a_request_larger_than_a_batch_runs_by_itself() -> None:
    recorder = Recorder()
    batcher = Batcher(recorder.run, max_size=5, size=lambda number: number)
    assert asyncio.run(submit_all(batcher, [9, 2, 3, 1])) == [18, 4, 6, 2]
    assert recorder.batches == [[9], [2, 3], [1]]


def test_only_requests_of_one_key_share_a_batch() -> None:
    recorder = Recorder()
    asyncio.run(submit_all(Batcher(recorder.run, max_size=9, key=lambda number: number % 2), [1, 3, 2, 5]))
    assert recorder.batches == [[1, 3], [2], [5]]


def test_a_failure_reaches_only_the_request_that_caused_it() -> None:
    results = asyncio.run(submit_all(Batcher(Recorder().run, max_size=9), [1, -1, 2]))
    assert [type(result) for result in results] == [int, ValueError, int]


def test_a_fatal_failure_reaches_the_whole_batch_at_once() -> None:
    recorder = Recorder()
    results = asyncio.run(submit_all(Batcher(recorder.run, max_size=2, fatal=ValueError), [1, -1, 2]))
    assert [type(result) for result in results] == [ValueError, ValueError, int]
    assert recorder.batches == [[1, -1], [2]]


def test_a_cancelled_request_does_not_stop_the_others() -> None:
    async def cancel_one() -> int:
        batcher = Batcher(Recorder().run, max_size=9)
        cancelled, other = (asyncio.create_task(batcher.submit(number)) for number in (1, 2))
        await asyncio.sleep(0)
        cancelled.cancel()
        with pytest.raises(asyncio.CancelledError):
            await cancelled
        return await other

    assert asyncio.run(cancel_one()) == 4
