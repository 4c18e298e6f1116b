"""Users similar to a user: a shortlist from the sample, then compared by their ratings as of now."""

import asyncio
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from app.kit.errors import UserNotFound
from app.recommendations.state import repository
from app.recommendations.state.repository import HotRow
from app.recommendations.state.serving import Serving
from app.recommendations.state.user_similarity import ItemBaseline, UserVectors
from app.recommendations.users.service import read_user

NUM_SPARE = 10  # on the shortlist beyond the limit, because ratings may have changed since the sample was read


class Neighbour(NamedTuple):
    """A user similar to another, as of a revision of their ratings."""

    user_id: str
    revision: int | None
    similarity: float
    overlap: int


async def similar_users(serving: Serving, user_id: str, limit: int) -> dict[str, Any]:
    """Return the users whose ratings are most similar to a user's.

    Raises:
        UserNotFound: if no user of this id has ever rated anything.
    """
    user = await read_user(serving, user_id)
    if user.revision is None:
        raise UserNotFound(f"There is no user {user_id!r}.")
    sample = await serving.user_sample.get(lambda users: encode(serving, users))
    vector = await encode(serving, [user])
    similarity, overlap = await asyncio.to_thread(sample.vectors.similarity, vector)
    best = np.argsort(-similarity, kind="stable")[: limit + NUM_SPARE + 1].tolist()
    shortlist = [
        Neighbour(sample.user_ids[k], sample.revisions[k], float(similarity[k]), int(overlap[k])) for k in best
    ]
    others = await compare_again(serving, vector, [each for each in shortlist if each.user_id != user_id])
    return {
        "user_id": user_id,
        "revision": user.revision,
        "num_compared": len(sample.user_ids) - (user_id in sample.user_ids),
        "users": [
            {"user_id": each.user_id, "similarity": round(each.similarity, 6), "overlap": each.overlap}
            for each in sorted(others, key=lambda each: -each.similarity)[:limit]
            if each.similarity > 0
        ],
    }


async def encode(serving: Serving, users: Sequence[HotRow]) -> UserVectors:
    """Return the vectors of users, relative to the items' baseline as of now."""
    revision = max((user.catalogue_revision for user in users), default=-1)
    if revision > serving.catalogue.revision:
        await serving.refresh_catalogue(revision)
    popularity, settings = await serving.popularity(), serving.settings
    baseline = ItemBaseline.of(popularity, len(serving.catalogue), settings.rating_min, settings.rating_max)
    slot_of_id = serving.catalogue.slot_of_id
    if len(users) == 1:  # quicker than a thread
        return UserVectors.of(users, slot_of_id, baseline)
    return await asyncio.to_thread(UserVectors.of, users, slot_of_id, baseline)


async def compare_again(serving: Serving, vector: UserVectors, shortlist: Sequence[Neighbour]) -> list[Neighbour]:
    """Compare again with the users whose ratings have changed since they were read; leave out those who are gone."""
    revisions = await serving.database.read(repository.revisions_of, [each.user_id for each in shortlist])
    changed = [each.user_id for each in shortlist if revisions.get(each.user_id, each.revision) != each.revision]
    unchanged = [each for each in shortlist if revisions.get(each.user_id) == each.revision]
    if not changed:
        return unchanged
    others = await encode(serving, await serving.database.read(repository.read_users, changed))
    similarity, overlap = (each.tolist() for each in others.similarity(vector))
    return unchanged + [
        Neighbour(user_id, None, similarity=similarity[place], overlap=overlap[place])
        for place, user_id in enumerate(changed)
    ]
