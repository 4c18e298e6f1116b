"""Folding users in: at once with a quick model; with a large one together with all that wait, in one thread."""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple, ParamSpec, TypeVar

import numpy as np
import torch

from app.kit.batching import Batcher
from models.core.interactions import Indices, Rows, Values
from models.core.model import FoldIn, Model

MAX_TOGETHER = 16
BLOCK = 4  # rows
P = ParamSpec("P")
T = TypeVar("T")
Row = tuple[Indices, Values]  # a user's ratings: columns and values


class FoldInRequest(NamedTuple):
    """A user to fold in."""

    model: Model
    columns: Indices
    values: Values


class Scorer:
    """The one computing thread of an API process.

    Scoring a large catalogue reads all of the decoder's weights, for one user as for sixteen: whoever waits while the
    thread is busy shares the next of the ``passes``.
    """

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(
            1, thread_name_prefix="score", initializer=torch.set_num_threads, initargs=(1,)
        )
        # During a swap users of two models may wait; a pass is of one.
        self.passes = Batcher(self._fold_batch, max_size=MAX_TOGETHER, key=lambda request: request.model)

    async def fold_many(self, model: Model, users: Sequence[Row]) -> list[FoldIn]:
        """Fold many users in with one pass over the weights, in turn with all other passes."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, fold_group, model, users)

    async def compute(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run other computing, in turn with the passes."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, lambda: work(*args, **kwargs))

    async def _fold_batch(self, batch: Sequence[FoldInRequest]) -> list[FoldIn]:
        return await self.fold_many(batch[0].model, [(request.columns, request.values) for request in batch])

    def close(self) -> None:
        """Stop the thread."""
        self._thread.shutdown(wait=False)


def fold_group(model: Model, users: Sequence[Row]) -> list[FoldIn]:
    """Fold users in: with one pass over the weights, if they are several."""
    return [model.fold_in(*users[0])] if len(users) == 1 else fold_together(model, users)


def fold_together(model: Model, users: Sequence[Row]) -> list[FoldIn]:
    """Fold users in with one pass over the weights.

    Products of matrices take rows in blocks and round those that fill none otherwise; so blocks are filled, and
    no user's scores depend on who else is in the pass.
    """
    filled = [*users, *[users[-1]] * (-len(users) % BLOCK)]
    offsets = np.cumsum([0, *(len(columns) for columns, _ in filled)])
    columns, values = map(np.concatenate, zip(*filled, strict=True))
    with torch.inference_mode():
        preference = model.preference(Rows(offsets, columns, values))
    return [FoldIn(row, model, *user, together=True) for row, user in zip(preference, users, strict=False)]
