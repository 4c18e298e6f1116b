"""Turn a guest's ratings into a user's: the later rating of an item wins, as for every rating."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy.orm import Session

from app.database import counters
from app.keep_out.service import OFF, KeepOut
from app.ratings import repository
from app.ratings.conflict import RatingRow
from app.ratings.parse import check_rating
from app.ratings.scale import Scale
from app.ratings.schemas import RatingIn, RatingOfItem
from app.ratings.service import Written, set_ratings
from app.web.bulk import BulkReader, Refused

READER = BulkReader(RatingOfItem)


class Merged(NamedTuple):
    """The rows that came from the other user, and what became of them."""

    rows: list[RatingRow]
    written: Written
    num_moved: int


def read_posted(user_id: str, posted: Sequence[Any], scale: Scale, now_us: int) -> list[RatingRow | Refused]:
    """Read a guest's ratings as a user's: the valid ones to store, the others with what to correct."""
    return [
        read_one(user_id, row, scale=scale, now_us=now_us, place=f"/ratings/{index}")
        for index, row in enumerate(posted)
    ]


def read_one(user_id: str, posted: Any, *, scale: Scale, now_us: int, place: str) -> RatingRow | Refused:
    """Read one rating of a guest's."""
    row = READER.read_row(posted, place)
    if isinstance(row, Refused):
        return row
    rating = RatingIn(user_id=user_id, item_id=row.item_id, value=row.value, rated_at=row.rated_at)
    return check_rating(rating, scale, now_us, place)


def merge_users(session: Session, user_id: str, from_user_id: str, now_us: int, *, keep_out: KeepOut = OFF) -> Merged:
    """Move the ratings of one user to another, who is created if need be, and what became of their answers.

    Raises:
        KeptOut: if one of the two was erased and is kept out.
    """
    counters.lock(session, "ratings")
    keep_out.check(session, users=[user_id, from_user_id])
    merged = move_ratings(session, user_id, from_user_id, now_us)
    repository.move_events(session, user_id, from_user_id)
    return merged


def move_ratings(session: Session, user_id: str, from_user_id: str, now_us: int) -> Merged:
    """Move ratings.

    One that the other has removed later is not taken, and stays where it is: two users merged into each other, one way
    and then back, lose nothing. A second time there is nothing to move, as with a user who never rated: no error, so
    that a call may be repeated.
    """
    revision = counters.lock(session, "ratings")
    source = repository.get_user(session, from_user_id)
    found = repository.all_ratings(session, source) if source else ()
    if not found:
        return Merged([], Written(revision, []), 0)
    rows = [RatingRow(user_id, item_id, value, rated_at_us) for item_id, value, rated_at_us in found]
    written = set_ratings(session, rows, now_us)
    there = rated_items(session, user_id)
    moved = [RatingRow(from_user_id, row.item_id, None, None) for row in rows if row.item_id in there]
    removed = set_ratings(session, moved, now_us) if moved else written
    return Merged(rows, Written(removed.revision, written.outcomes), len(moved))


def rated_items(session: Session, user_id: str) -> set[str]:
    """Name the items that a user has ratings of now."""
    user = repository.get_user(session, user_id)
    return {item_id for item_id, _, _ in repository.all_ratings(session, user)} if user else set()
