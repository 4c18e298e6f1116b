"""The ratings as one consistent snapshot of the database, read in blocks into arrays: no Python object per rating."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Any

import asyncpg
import numpy as np
from numpy.typing import NDArray
from sqlalchemy import select
from sqlalchemy.orm import Session
from sqlalchemy.util import await_only

from app.settings import Settings
from app.tables import Counter, Item, User
from models.core.interactions import Interactions, RatingScale

BLOCK = 50_000
TRIPLE = np.dtype([("user", "<i4"), ("item", "<i4"), ("value", "<f4")])
RATINGS = "SELECT user_id, item_id, value FROM ratings WHERE value IS NOT NULL"

# PostgreSQL's binary COPY: a header, then per row a field count and per field a length and big-endian bytes, then -1.
COPY_HEADER_BYTES = 19
COPY_TRAILER_BYTES = 2
COPY_ROW = np.dtype(
    [("count", ">i2"), ("l1", ">i4"), ("user", ">i8"), ("l2", ">i4"), ("item", ">i8"), ("l3", ">i4"), ("value", ">f8")]
)

Triples = NDArray[np.void]


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
    triples = np.concatenate([*read_triples(session), np.empty(0, TRIPLE)])
    users, user_rows = renumber(triples["user"])
    items, item_columns = renumber(triples["item"])
    values = triples["value"].copy()
    del triples
    interactions = Interactions.from_arrays(
        user_rows, item_columns, values, external_ids(session, Item, items), rating_scale(settings), len(users)
    )
    return Snapshot(interactions, external_ids(session, User, users), users, items, watermark)


def read_triples(session: Session) -> Iterator[Triples]:
    """Read (user, item, value) in blocks with the driver itself."""
    if session.get_bind().dialect.name == "sqlite":
        return read_sqlite(session.connection().connection.driver_connection)
    return iter(read_postgres(session.connection().connection.driver_connection))


def read_sqlite(connection: Any) -> Iterator[Triples]:
    """Read blocks of rows; only one block at a time is Python objects."""
    cursor = connection.execute(RATINGS)
    while rows := cursor.fetchmany(BLOCK):
        flat = np.fromiter(chain.from_iterable(rows), np.float64, count=3 * len(rows)).reshape(-1, 3)
        block = np.empty(len(rows), TRIPLE)
        block["user"], block["item"], block["value"] = flat.T
        yield block


def read_postgres(connection: Any) -> list[Triples]:
    """Read binary COPY, whose rows of three fixed-width fields are an array as they stand."""
    blocks: list[Triples] = []
    pending = bytearray()
    start = COPY_HEADER_BYTES

    async def take(data: bytes) -> None:
        nonlocal start
        pending.extend(data)
        whole = (len(pending) - start) // COPY_ROW.itemsize
        if whole < BLOCK:
            return
        blocks.append(decode(pending, start, whole))
        del pending[: start + whole * COPY_ROW.itemsize]
        start = 0

    try:
        await_only(connection.copy_from_query(RATINGS, output=take, format="binary"))
    except asyncpg.PostgresConnectionError as error:
        raise ConnectionError(str(error)) from error
    blocks.append(decode(pending, start, (len(pending) - start - COPY_TRAILER_BYTES) // COPY_ROW.itemsize))
    return blocks


def decode(data: bytearray, start: int, num_rows: int) -> Triples:
    """Turn rows of binary COPY into triples."""
    raw = np.frombuffer(bytes(data[start : start + num_rows * COPY_ROW.itemsize]), COPY_ROW)
    block = np.empty(num_rows, TRIPLE)
    for name in ("user", "item", "value"):
        block[name] = raw[name]
    return block


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
