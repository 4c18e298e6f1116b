"""Many users at once: one read for all of them, one pass over the weights for as many as fit."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from typing import Any

from app.recommendations.ranking.profile import UserProfile
from app.recommendations.request.options import Options
from app.recommendations.state import repository
from app.recommendations.state.loaded_model import LoadedModel
from app.recommendations.state.repository import HotRow
from app.recommendations.state.scorer import Row
from app.recommendations.state.serving import Serving
from app.recommendations.users.service import (
    AnswerModel,
    first_page,
    list_owner,
    profile_of,
    read_impressions,
    recommend_page,
)
from models.core.model import FoldIn

MAX_SCORES = 2**20  # float32 in memory at a time; whoever else waits for the computing thread comes in between


async def recommend_to_users(serving: Serving, user_ids: Sequence[str], options: Options) -> dict[str, Any]:
    """Recommend to users, each as `service.recommend_to_user` would at this moment."""
    rows = await serving.database.scan(repository.read_users, user_ids)
    return {"answers": [answer async for answer in answer_rows(serving, user_ids, rows, options)]}


async def answer_rows(
    serving: Serving, user_ids: Sequence[str], rows: Sequence[HotRow], options: Options
) -> AsyncIterator[dict[str, Any]]:
    """Answer users by the rows that were read of them, each with the model that serves them at the start."""
    revision = max(row.catalogue_revision for row in rows)
    if revision > serving.catalogue.revision:
        await serving.refresh_catalogue(revision)
    impressions = await read_impressions(serving, [row.number for row in rows], options)
    lives = [serving.live_for(user_id) for user_id in user_ids]
    profiles = [profile_of(serving.catalogue, *each) for each in zip(user_ids, rows, impressions, strict=True)]
    largest = max((len(live.item_ids) for live in lives if live is not None), default=0)
    size = max(1, MAX_SCORES // max(1, largest))
    for first in range(0, len(rows), size):
        part = slice(first, first + size)
        folds = await fold_in(serving, lives[part], profiles[part])
        users = zip(user_ids[part], rows[part], lives[part], profiles[part], folds, strict=True)
        for user_id, row, live, profile, fold in users:
            page = await recommend_page(
                serving,
                profile,
                options,
                owner=list_owner(user_id.encode(), options),
                start=first_page(serving, live, row.revision, profile.impressions),
                model=AnswerModel(live, fold, serving.experiment_of(user_id, live)),
            )
            yield {"user_id": user_id, "revision": row.revision, **page}
            await asyncio.sleep(0)  # other requests come in between


async def fold_in(
    serving: Serving, lives: Sequence[LoadedModel | None], profiles: Sequence[UserProfile]
) -> list[FoldIn | None]:
    """Fold in those with ratings that their model knows, each model's in one pass; None for the others."""
    folds: list[FoldIn | None] = [None] * len(profiles)
    known: dict[str, list[tuple[int, LoadedModel, Row]]] = defaultdict(list)
    for place, (live, profile) in enumerate(zip(lives, profiles, strict=True)):
        if live is not None:
            row = live.known_ratings(serving.catalogue, profile.slots, profile.values)
            if len(row[0]):
                known[live.version].append((place, live, row))
    for users in known.values():
        folded = await serving.fold_many(users[0][1], [row for _, _, row in users])
        for (place, _, _), fold in zip(users, folded, strict=True):
            folds[place] = fold
    return folds
