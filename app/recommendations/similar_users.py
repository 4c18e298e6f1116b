"""Users like a user: a shortlist from the sample, then compared by their ratings as of now."""

import asyncio
from collections.abc import Sequence
from typing import Any

import numpy as np

from app.errors import UserNotFound
from app.recommendations import answers, repository
from app.recommendations.kindred import Tastes, Usual
from app.recommendations.repository import HotRow
from app.recommendations.serving import Serving

SPARE = 10  # more on the shortlist than asked for, because ratings may have changed since the sample was read


async def similar_users(serving: Serving, user_id: str, limit: int) -> dict[str, Any]:
    """Give the users whose ratings are most like a user's.

    Raises:
        UserNotFound: if nobody of this id has ever rated anything.
    """
    user = await answers.read_user(serving, user_id)
    if user.revision is None:
        raise UserNotFound(f"There is no user {user_id!r}.")
    sample = await serving.user_sample.get(lambda users: encode(serving, users))
    mine = await encode(serving, [user])
    likeness, _ = await asyncio.to_thread(sample.tastes.likeness, mine)
    best = np.argsort(-likeness, kind="stable")[: limit + SPARE + 1]
    others = [sample.user_ids[place] for place in best.tolist() if likeness[place] > 0]
    found = await as_of_now(serving, mine, [each for each in others if each != user_id])
    is_compared = user_id not in sample.user_ids
    return {
        "user_id": user_id,
        "revision": user.revision,
        "num_compared": len(sample.user_ids) - (not is_compared),
        "users": found[:limit],
    }


async def encode(serving: Serving, users: Sequence[HotRow]) -> Tastes:
    """Describe the tastes of users, going by what is usual now."""
    revision = max((user.catalogue_revision for user in users), default=-1)
    if revision > serving.catalogue.revision:
        await serving.refresh_catalogue(revision)
    popularity, settings = await serving.popularity(), serving.settings
    usual = Usual.of(popularity, len(serving.catalogue), settings.rating_min, settings.rating_max)
    slot_of_id = serving.catalogue.slot_of_id
    if len(users) == 1:  # quicker than to ask a thread
        return Tastes.of(users, slot_of_id, usual)
    return await asyncio.to_thread(Tastes.of, users, slot_of_id, usual)


async def as_of_now(serving: Serving, mine: Tastes, user_ids: Sequence[str]) -> list[dict[str, Any]]:
    """Compare a user with some others by what they have rated now, the most alike first; who is gone is left out."""
    if not user_ids:
        return []
    others = await encode(serving, await serving.database.read(repository.read_users, user_ids))
    likeness, overlap = others.likeness(mine)
    order = [place for place in np.argsort(-likeness, kind="stable").tolist() if likeness[place] > 0]
    return [
        {"user_id": user_ids[place], "similarity": round(float(likeness[place]), 6), "overlap": int(overlap[place])}
        for place in order
    ]
