"""Turn a guest's ratings into a user's: the later rating of an item wins, as for every rating."""

import asyncio
from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy.orm import Session

from app.database import counters
from app.database.engine import Database
from app.keep_out.service import OFF, KeepOut
from app.kit.times import now_us
from app.ratings import repository
from app.ratings.conflict import RatingRow
from app.ratings.parse import check_rating
from app.ratings.scale import Scale
from app.ratings.schemas import RatingIn, RatingOfItem
from app.ratings.service import Written, set_ratings
from app.web.bulk import BulkReader, Refused

MAX_ROWS = 50  # of a step: some 10 ms
ROWS_A_TURN = 250  # that are read at a time: some 10 ms, if each is wrong
READER = BulkReader(RatingOfItem)


class Merged(NamedTuple):
    """The rows that came from the other user, and what became of them."""

    rows: list[RatingRow]
    written: Written
    num_moved: int

    def then(self, more: "Merged") -> "Merged":
        """Return what became of these rows and of more."""
        outcomes = [*self.written.outcomes, *more.written.outcomes]
        num_moved = self.num_moved + more.num_moved
        return Merged([*self.rows, *more.rows], Written(more.written.revision, outcomes), num_moved)


async def read_posted(user_id: str, posted: Sequence[Any], scale: Scale, now_us: int) -> list[RatingRow | Refused]:
    """Read a guest's ratings as a user's: the valid ones to store, the others with what to correct."""
    rows = []
    for index, row in enumerate(posted):
        if index % ROWS_A_TURN == 0:
            await asyncio.sleep(0)  # other requests come in between
        rows.append(read_one(user_id, row, scale=scale, now_us=now_us, place=f"/ratings/{index}"))
    return rows


def read_one(user_id: str, posted: Any, *, scale: Scale, now_us: int, place: str) -> RatingRow | Refused:
    """Read one rating of a guest's."""
    row = READER.read_row(posted, place)
    if isinstance(row, Refused):
        return row
    rating = RatingIn(user_id=user_id, item_id=row.item_id, value=row.value, rated_at=row.rated_at)
    return check_rating(rating, scale, now_us, place)


async def merge_users(database: Database, user_id: str, from_user_id: str, keep_out: KeepOut = OFF) -> Merged:
    """Move the ratings of one user to another, who is created if need be, and what became of their answers.

    It goes in steps, so that other writers wait for one step at most. A rating is moved in one of them: at no time do
    both have it, or neither. Whatever stops half way is finished by the same call again.

    One that the other has removed later is not taken, and stays where it is: two users merged into each other, one way
    and then back, lose nothing. A second time there is nothing to move, as with a user who never rated: no error, so
    that a call may be repeated.

    Raises:
        KeptOut: if one of the two was erased and is kept out.
    """
    merged, items = await database.write(begin, user_id, from_user_id, keep_out)
    for start in range(0, len(items), MAX_ROWS):
        some = items[start : start + MAX_ROWS]
        more = await database.write(move_ratings, user_id, from_user_id, some, now_us=now_us(), keep_out=keep_out)
        merged = merged.then(more)
    while await database.write(move_events, user_id, from_user_id):
        pass
    return merged


def begin(session: Session, user_id: str, from_user_id: str, keep_out: KeepOut) -> tuple[Merged, list[str]]:
    """Return a merge of nothing yet, and the items whose ratings are to be moved, the oldest first."""
    revision = counters.lock(session, "ratings")
    keep_out.check(session, users=[user_id, from_user_id])
    source = repository.get_user(session, from_user_id)
    found = repository.all_ratings(session, source) if source else ()
    return Merged([], Written(revision, []), 0), [item_id for item_id, _, _ in found]


def move_ratings(
    session: Session, user_id: str, from_user_id: str, item_ids: Sequence[str], *, now_us: int, keep_out: KeepOut
) -> Merged:
    """Move ratings of some items, as they are now."""
    revision = counters.lock(session, "ratings")
    keep_out.check(session, users=[user_id, from_user_id])
    found = repository.find_pairs(session, [(from_user_id, item_id) for item_id in item_ids])
    rows = [
        RatingRow(user_id, item_id, pair.value, pair.rated_at_us)
        for (_, item_id), pair in found.items()
        if pair.value is not None
    ]
    if not rows:
        return Merged([], Written(revision, []), 0)
    written = set_ratings(session, rows, now_us)
    there = repository.find_pairs(session, [row[:2] for row in rows])
    moved = [RatingRow(from_user_id, row.item_id, None, None) for row in rows if there[row[:2]].value is not None]
    removed = set_ratings(session, moved, now_us) if moved else written
    return Merged(rows, Written(removed.revision, written.outcomes), len(moved))


def move_events(session: Session, user_id: str, from_user_id: str) -> bool:
    """Move some events; return whether more may be left. The lock keeps both users from being erased meanwhile."""
    counters.lock(session, "ratings")
    return repository.move_events(session, user_id, from_user_id, MAX_ROWS)
