"""Users like a user: a shortlist from the sample, then compared by their ratings as of now."""

import asyncio
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from app.kit.errors import UserNotFound
from app.recommendations.state import repository
from app.recommendations.state.repository import HotRow
from app.recommendations.state.serving import Serving
from app.recommendations.state.user_similarity import ItemBaseline, UserVectors
from app.recommendations.users import profile

SPARE = 10  # more on the shortlist than asked for, because ratings may have changed since the sample was read


class Like(NamedTuple):
    """A user like another, as of his revision."""

    user_id: str
    revision: int | None
    similarity: float
    overlap: int


async def similar_users(serving: Serving, user_id: str, limit: int) -> dict[str, Any]:
    """Return the users whose ratings are most like a user's.

    Raises:
        UserNotFound: if nobody of this id has ever rated anything.
    """
    user = await profile.read_user(serving, user_id)
    if user.revision is None:
        raise UserNotFound(f"There is no user {user_id!r}.")
    sample = await serving.user_sample.get(lambda users: encode(serving, users))
    mine = await encode(serving, [user])
    likeness, overlap = await asyncio.to_thread(sample.vectors.similarity, mine)
    best = np.argsort(-likeness, kind="stable")[: limit + SPARE + 1].tolist()
    found = [Like(sample.user_ids[k], sample.revisions[k], float(likeness[k]), int(overlap[k])) for k in best]
    now = await as_of_now(serving, mine, [each for each in found if each.user_id != user_id])
    return {
        "user_id": user_id,
        "revision": user.revision,
        "num_compared": len(sample.user_ids) - (user_id in sample.user_ids),
        "users": [
            {"user_id": each.user_id, "similarity": round(each.similarity, 6), "overlap": each.overlap}
            for each in sorted(now, key=lambda each: -each.similarity)[:limit]
            if each.similarity > 0
        ],
    }


async def encode(serving: Serving, users: Sequence[HotRow]) -> UserVectors:
    """Describe the tastes of users, going by what is usual now."""
    revision = max((user.catalogue_revision for user in users), default=-1)
    if revision > serving.catalogue.revision:
        await serving.refresh_catalogue(revision)
    popularity, settings = await serving.popularity(), serving.settings
    usual = ItemBaseline.of(popularity, len(serving.catalogue), settings.rating_min, settings.rating_max)
    slot_of_id = serving.catalogue.slot_of_id
    if len(users) == 1:  # quicker than to ask a thread
        return UserVectors.of(users, slot_of_id, usual)
    return await asyncio.to_thread(UserVectors.of, users, slot_of_id, usual)


async def as_of_now(serving: Serving, mine: UserVectors, found: Sequence[Like]) -> list[Like]:
    """Compare anew with those who have changed since they were read; who is gone is left out."""
    revisions = await serving.database.read(repository.revisions_of, [each.user_id for each in found])
    changed = [each.user_id for each in found if revisions.get(each.user_id, each.revision) != each.revision]
    same = [each for each in found if revisions.get(each.user_id) == each.revision]
    if not changed:
        return same
    others = await encode(serving, await serving.database.read(repository.read_users, changed))
    likeness, overlap = (each.tolist() for each in others.similarity(mine))
    return same + [Like(name, None, *each) for name, *each in zip(changed, likeness, overlap, strict=True)]
