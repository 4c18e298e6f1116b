"""Turn a guest's ratings into a user's: the later rating of an item wins, as for every rating."""

import asyncio
from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy.orm import Session

from app.database import counters
from app.database.engine import Database
from app.database.step_size import StepSize
from app.keep_out.service import OFF, KeepOut
from app.kit.times import now_us
from app.ratings import repository
from app.ratings.conflict import RatingRow
from app.ratings.parse import check_rating
from app.ratings.scale import Scale
from app.ratings.schemas import RatingIn, RatingOfItem
from app.ratings.service import Ledger, Written
from app.web.bulk import BulkReader, Refused

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
    merged, items, has_events = await database.read(begin, user_id, from_user_id, keep_out)
    size = StepSize()
    while items:
        some, items = items[: size.rows], items[size.rows :]
        more = await database.write(
            move_ratings, user_id, from_user_id, some, now_us=now_us(), keep_out=keep_out, size=size
        )
        merged = merged.then(more)
    while has_events:
        has_events = await database.write(move_events, user_id, from_user_id, size)
    return merged


def begin(session: Session, user_id: str, from_user_id: str, keep_out: KeepOut) -> tuple[Merged, list[str], bool]:
    """Return a merge of nothing yet, the items whose ratings are to be moved, the oldest first, and if events are."""
    keep_out.check(session, users=[user_id, from_user_id])
    merged = Merged([], Written(counters.read(session, "ratings"), []), 0)
    source = repository.get_user(session, from_user_id)
    if source is None:
        return merged, [], False
    items = [item_id for item_id, _, _ in repository.all_ratings(session, source)]
    return merged, items, repository.has_events(session, source)


def move_ratings(
    session: Session,
    user_id: str,
    from_user_id: str,
    item_ids: Sequence[str],
    *,
    now_us: int,
    keep_out: KeepOut,
    size: StepSize,
) -> Merged:
    """Move ratings of some items, as they are now."""
    ledger = Ledger(session, [(user, item) for user in (from_user_id, user_id) for item in item_ids], now_us)
    with size.measure(len(item_ids)):
        keep_out.check(session, users=[user_id, from_user_id])
        found = [(item_id, ledger.pairs[from_user_id, item_id]) for item_id in item_ids]
        rows = [
            RatingRow(user_id, item, pair.value, pair.rated_at_us) for item, pair in found if pair.value is not None
        ]
        ledger.recall(rows)
        outcomes = [ledger.decide(row) for row in rows]
        taken = [row.item_id for row in rows if ledger.pairs[user_id, row.item_id].value is not None]
        for item_id in taken:
            ledger.decide(RatingRow(from_user_id, item_id, None, None))
        ledger.write()
    return Merged(rows, Written(ledger.revision, outcomes), len(taken))


def move_events(session: Session, user_id: str, from_user_id: str, size: StepSize) -> bool:
    """Move some events; return whether more may be left. The lock keeps both users from being erased meanwhile."""
    counters.lock(session, "ratings")
    with size.measure(size.rows):
        return repository.move_events(session, user_id, from_user_id, size.rows)
