"""The ratings as one consistent snapshot of the database, read in blocks into arrays: no Python object per rating."""

from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.database.postgresql.copying import copy_out
from app.settings import Settings
from app.tables import Counter, Item, User
from models.core.interactions import Interactions, RatingScale

BLOCK = 50_000
DTYPES = ("i4", "i4", "f4")
RATINGS = "SELECT user_id, item_id, value FROM ratings WHERE value IS NOT NULL"


@dataclass(frozen=True)
class Snapshot:
    """The ratings as of one revision.

    Attributes:
        interactions: one row a user who has ratings; the vocabulary is every item that is rated, inactive ones too.
        user_ids: the caller's id of each row.
        user_numbers: int64, the number of each row's user in the database, ascending.
        item_numbers: int64, the number of each column's item in the database, ascending.
        watermark: the revision up to which every change is in.
    """

    interactions: Interactions
    user_ids: list[str]
    user_numbers: NDArray[np.int64]
    item_numbers: NDArray[np.int64]
    watermark: int


def rating_scale(settings: Settings) -> RatingScale:
    """Describe the declared scale to the models."""
    span = settings.rating_max - settings.rating_min
    liked = settings.like_threshold if settings.like_threshold is not None else settings.rating_min + 0.75 * span
    return RatingScale(
        minimum=settings.rating_min, maximum=settings.rating_max, step=settings.rating_step, like_threshold=liked
    )


def load_interactions(session: Session, settings: Settings) -> Snapshot:
    """Read every rating that stands. Call it with `Database.scan`: all of it is one snapshot.

    Tombstones are left out; inactive items stay in, because they may come back.
    """
    watermark = session.scalars(select(Counter.value).where(Counter.name == "ratings")).one()
    user_ids, item_ids, values = read_columns(session)
    users, user_rows = renumber(user_ids)
    items, item_columns = renumber(item_ids)
    del user_ids, item_ids
    interactions = Interactions.from_arrays(
        user_rows,
        item_columns,
        values,
        external_ids(session, Item, items),
        scale=rating_scale(settings),
        num_users=len(users),
    )
    return Snapshot(interactions, external_ids(session, User, users), users, items, watermark)


def read_columns(session: Session) -> list[NDArray[Any]]:
    """Read users int32, items int32 and values float32 of all ratings in blocks, with the driver itself."""
    if session.get_bind().dialect.name == "postgresql":
        return copy_out(session, RATINGS, "iif", DTYPES)
    driver: Any = session.connection().connection.driver_connection
    cursor = driver.execute(RATINGS)
    blocks = [[np.empty(0, dtype) for dtype in DTYPES]]
    while rows := cursor.fetchmany(BLOCK):  # only one block at a time is Python objects
        flat = np.fromiter(chain.from_iterable(rows), np.float64, count=3 * len(rows)).reshape(-1, 3)
        blocks.append([column.astype(dtype) for column, dtype in zip(flat.T, DTYPES, strict=True)])
    return [np.concatenate(parts) for parts in zip(*blocks, strict=True)]


def renumber(ids: NDArray[np.int32]) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """Number the ids that occur 0, 1, 2 ... in their order: the ids, and for each entry its number."""
    if not len(ids):
        return np.empty(0, np.int64), np.empty(0, np.int32)
    occurs = np.zeros(int(ids.max()) + 1, bool)
    occurs[ids] = True
    numbers = np.cumsum(occurs, dtype=np.int32) - np.int32(1)
    return np.flatnonzero(occurs), numbers[ids]


def external_ids(session: Session, table: type[User] | type[Item], ids: NDArray[np.int64]) -> list[str]:
    """Look up the caller's ids of rows, in the order of the rows' keys, a block of keys at a time."""
    wanted = set(ids.tolist())
    found: list[str] = []
    for first in range(0, len(ids), BLOCK):
        block = ids[first : first + BLOCK]
        rows = session.execute(
            select(table.id, table.external_id)
            .where(table.id >= int(block[0]), table.id <= int(block[-1]))
            .order_by(table.id)
        )
        found.extend(external_id for key, external_id in rows if key in wanted)
    return found
