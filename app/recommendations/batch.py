"""Many users at once: one read for all of them, one pass over the weights for as many as fit."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any

from app.recommendations import repository, service
from app.recommendations.answers import Using, taste_of
from app.recommendations.bookmark import list_of
from app.recommendations.live import LiveModel
from app.recommendations.options import Options
from app.recommendations.paging import page, start
from app.recommendations.repository import HotRow
from app.recommendations.service import Taste
from app.recommendations.serving import Serving
from models.base import FoldIn

MAX_SCORES = 2**20  # float32 in memory at a time; whoever else waits for the computing thread comes in between


async def for_users(serving: Serving, user_ids: Sequence[str], options: Options) -> dict[str, Any]:
    """Recommend to users, each as `paging.for_user` would at this moment."""
    rows = await serving.database.scan(repository.read_users, user_ids)
    return {"answers": [answer async for answer in answer_rows(serving, user_ids, rows, options)]}


async def answer_rows(
    serving: Serving, user_ids: Sequence[str], rows: Sequence[HotRow], options: Options
) -> AsyncIterator[dict[str, Any]]:
    """Answer users by the rows that were read of them, all with one model."""
    revision = max(row.catalogue_revision for row in rows)
    if revision > serving.catalogue.revision:
        await serving.refresh_catalogue(revision)
    live = serving.live
    tastes = [taste_of(serving.catalogue, *pair) for pair in zip(user_ids, rows, strict=True)]
    size = len(rows) if live is None else max(1, MAX_SCORES // max(1, len(live.item_ids)))
    for first in range(0, len(rows), size):
        part = slice(first, first + size)
        folds = await fold_in(serving, live, tastes[part])
        for user_id, row, taste, fold in zip(user_ids[part], rows[part], tastes[part], folds, strict=True):
            of, mark = list_of(user_id.encode(), options), start(serving, live, row.revision)
            answer = await page(serving, taste, options, of, mark, Using(live, fold))
            yield {"user_id": user_id, "revision": row.revision, **answer}
            await asyncio.sleep(0)  # other requests come in between


async def fold_in(serving: Serving, live: LiveModel | None, tastes: Sequence[Taste]) -> list[FoldIn | None]:
    """Fold in those who have ratings that the model knows; None for the others."""
    folds: list[FoldIn | None] = [None] * len(tastes)
    if live is None:
        return folds
    live.fit_to(serving.catalogue)
    users = [service.known_columns(live, taste) for taste in tastes]
    known = [place for place, (columns, _) in enumerate(users) if len(columns)]
    if known:
        folded = await serving.fold_many(live, [users[place] for place in known])
        for place, fold in zip(known, folded, strict=True):
            folds[place] = fold
    return folds
