"""Store many ratings at once, but for those whose user or item is kept out."""

from collections import Counter
from collections.abc import Collection, Sequence

import numpy as np
from sqlalchemy.orm import Session

from app.database import counters
from app.keep_out.service import KeepOut, KeptOutIds
from app.ratings.bulk import ItemNumbers, RatingColumns, set_columns
from app.ratings.bulk_repository import Flags, Whole
from app.ratings.conflict import Status


def set_allowed_columns(
    session: Session, columns: RatingColumns, known: ItemNumbers, now_us: int, *, keep_out: KeepOut
) -> tuple[Counter[Status], dict[int, str]]:
    """Apply a batch; return what became of its rows, and the places of those that are refused, each with the field."""
    if keep_out.secret is None:
        return set_columns(session, columns, known, now_us), {}
    counters.lock(session, "ratings")  # or an erasure could end between the look and the write
    allowed, fields = divide(columns, keep_out.find(session, columns.user_ids, columns.item_ids))
    return set_columns(session, allowed, known, now_us), fields


def divide(columns: RatingColumns, kept: KeptOutIds) -> tuple[RatingColumns, dict[int, str]]:
    """Return the ratings that are allowed, and the places of the others, each with the field that is kept out."""
    if not kept.users and not kept.items:
        return columns, {}
    of_user = mark(columns.user_ids, kept.users)[columns.users]
    refused = of_user | mark(columns.item_ids, kept.items)[columns.items]
    fields = {place: "user_id" if of_user[place] else "item_id" for place in np.flatnonzero(refused).tolist()}
    return select(columns, ~refused), fields


def mark(ids: Sequence[str], kept: Collection[str]) -> Flags:
    """Mark the ids that are kept out: bool (N,)."""
    return np.array([external_id in kept for external_id in ids], np.bool_)


def select(columns: RatingColumns, rows: Flags) -> RatingColumns:
    """Return some rows of a batch."""
    user_ids, users = compress(columns.user_ids, columns.users[rows])
    item_ids, items = compress(columns.item_ids, columns.items[rows])
    return RatingColumns(user_ids, item_ids, users, items, columns.values[rows], columns.rated_at_us[rows])


def compress(ids: Sequence[str], indices: Whole) -> tuple[list[str], Whole]:
    """Return the ids that are indexed, and the indices into those."""
    occurring, places = np.unique(indices, return_inverse=True)
    return [ids[index] for index in occurring.tolist()], places.astype(np.int64)
