"""Remove an item: its ratings go with it, each as a change of its own."""

from typing import NamedTuple

from sqlalchemy.orm import Session

from app.catalogue import service as catalogue
from app.database import counters
from app.keep_out.service import OFF, KeepOut, Kind
from app.kit.times import from_us
from app.ratings import repository
from app.ratings.conflict import RatingRow
from app.ratings.service import set_ratings

MAX_ROWS = 10_000  # kept in memory at a time


class Removed(NamedTuple):
    """What went with an item."""

    num_ratings: int
    revision: int


def remove_item(session: Session, item_id: str, now_us: int, keep_out: KeepOut = OFF) -> Removed:
    """Remove an item and its ratings.

    Raises:
        ItemNotFound: if there is no such item.
    """
    revision = counters.lock(session, "ratings")
    num_ratings = 0
    while users := repository.users_who_rated(session, item_id, MAX_ROWS):
        revision = set_ratings(session, [RatingRow(user, item_id, None, None) for user in users], now_us).revision
        num_ratings += len(users)
    catalogue.mark_deleted(session, item_id, from_us(now_us))
    keep_out.note(session, Kind.ITEM, item_id, from_us(now_us))
    return Removed(num_ratings, revision)
