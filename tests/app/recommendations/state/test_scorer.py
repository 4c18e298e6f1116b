"""The computing thread returns the same result to each caller, scored together or alone."""

import asyncio

import numpy as np
import pytest

from app.recommendations.state.scorer import MAX_TOGETHER, FoldInRequest, Scorer, fold_together
from models.core.interactions import Indices, Interactions, Values
from models.core.model import FoldIn
from tests.app.recommendations.helpers import NUM_ITEMS, SCALE, camps, train

Row = tuple[Indices, Values]


def users(count: int, num_items: int = NUM_ITEMS) -> list[Row]:
    generator = np.random.default_rng(0)
    return [
        (
            np.sort(generator.choice(num_items, size, replace=False)).astype(np.int32),
            (generator.integers(2, 11, size) / 2).astype(np.float32),
        )
        for size in generator.integers(1, num_items, count)
    ]


def wide(num_items: int) -> Interactions:
    """Two camps again, with so many items that products of matrices are cut into blocks."""
    generator = np.random.default_rng(0)
    users, items = np.nonzero(generator.random((60, num_items)) < 0.2)
    values = np.where(users % 2 == items % 2, 5.0, 1.5)
    return Interactions.from_arrays(
        users, items, values, [f"i{n}" for n in range(num_items)], scale=SCALE, num_users=60
    )


@pytest.mark.parametrize("kind", ["linear", "denoising"])
def test_users_scored_together_get_the_scores_they_get_alone(kind: str) -> None:
    model = train(kind, camps())
    rows = users(3 * MAX_TOGETHER + 1)

    async def all_at_once() -> list[FoldIn]:
        scorer = Scorer()
        folded = await asyncio.gather(*(scorer.passes.submit(FoldInRequest(model, *row)) for row in rows))
        scorer.close()
        return folded

    for together, row in zip(asyncio.run(all_at_once()), rows, strict=True):
        alone = model.fold_in(*row)
        np.testing.assert_allclose(together.preference, alone.preference, atol=1e-5)
        wanted = np.arange(NUM_ITEMS, dtype=np.int32)
        np.testing.assert_array_equal(together.rating(wanted), alone.rating(wanted))


@pytest.mark.parametrize("kind", ["linear", "lowrank", "denoising", "variational", "hybrid"])
def test_scores_do_not_depend_on_who_shares_the_pass(kind: str) -> None:
    """To the last bit: an answer can be made again without the others."""
    model, rows = train(kind, wide(256)), users(40, 256)
    alone = [fold_together(model, [row])[0].preference for row in rows]
    for size in (2, 3, 4, 5, 7, 16, 33):
        for start in range(0, len(rows), size):
            for place, folded in enumerate(fold_together(model, rows[start : start + size]), start):
                np.testing.assert_array_equal(folded.preference, alone[place])


def test_users_of_two_models_at_a_swap_each_get_their_own_scores() -> None:
    old, new = train("denoising", camps(), seed=0), train("denoising", camps(), seed=1)
    row = users(1)[0]

    async def mixed() -> list[FoldIn]:
        scorer = Scorer()
        folded = await asyncio.gather(
            *(scorer.passes.submit(FoldInRequest(model, *row)) for model in (old, old, new, old, new, new))
        )
        scorer.close()
        return folded

    expected = [old, old, new, old, new, new]
    for folded, model in zip(asyncio.run(mixed()), expected, strict=True):
        np.testing.assert_allclose(folded.preference, model.fold_in(*row).preference, atol=1e-5)


def test_a_failure_reaches_only_the_caller_it_concerns() -> None:
    model = train("denoising", camps())
    good, wrong = users(1)[0], (np.array([NUM_ITEMS + 5], np.int32), np.array([5], np.float32))

    async def work() -> FoldIn:
        scorer = Scorer()
        with pytest.raises(IndexError):
            await scorer.passes.submit(FoldInRequest(model, *wrong))
        folded = await scorer.passes.submit(FoldInRequest(model, *good))
        scorer.close()
        return folded

    assert asyncio.run(work()).preference.shape == (NUM_ITEMS,)


def test_a_cancelled_request_does_not_delay_the_others() -> None:
    model, rows = train("denoising", camps()), users(4)

    async def work() -> list[FoldIn]:
        scorer = Scorer()
        tasks = [asyncio.create_task(scorer.passes.submit(FoldInRequest(model, *row))) for row in rows]
        await asyncio.sleep(0)
        tasks[1].cancel()
        folded = await asyncio.gather(tasks[0], *tasks[2:])
        scorer.close()
        return folded

    assert len(asyncio.run(work())) == 3
