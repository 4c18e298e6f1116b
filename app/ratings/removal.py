"""Remove an item: it is gone at once, and its ratings follow in steps, each as a change of its own.

A step is a short transaction, so that other writers wait for one step at most. Until the last one, a rating that is
to go counts as gone for whoever writes (`repository.FIND_PAIRS`). A removal that stopped half way is finished by the
next DELETE of the item, or by any server (docs/decisions/0027).
"""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy.orm import Session

from app.catalogue import service as catalogue
from app.database import counters
from app.database.engine import Database
from app.database.step_size import StepSize
from app.keep_out.service import OFF, KeepOut, Kind
from app.kit.errors import ItemNotFound
from app.kit.times import from_us, now_us
from app.ratings import removal_repository as repository
from app.ratings.repository import Change, write_changes


class Removed(NamedTuple):
    """What went with an item."""

    num_ratings: int
    revision: int


async def remove_item(database: Database, item_id: str, now_us: int, keep_out: KeepOut = OFF) -> Removed:
    """Remove an item and its ratings.

    Raises:
        ItemNotFound: if there is no such item.
    """
    item = await database.write(begin, item_id, from_us(now_us), keep_out)
    return await finish(database, item, now_us)


async def finish_all(database: Database) -> None:
    """Finish the removals that stopped half way."""
    for item in await database.read(repository.unfinished):
        await finish(database, item, now_us())


async def finish(database: Database, item: int, now_us: int) -> Removed:
    """Remove the ratings of an item that is deleted, step by step."""
    users, size = await database.scan(repository.users_left, item), StepSize()
    while True:
        some, users = users[: size.rows], users[size.rows :]
        removed = await database.write(remove_some, item, some, now_us, size=size, is_last=not users)
        if not users:
            return removed


def begin(session: Session, item_id: str, now: datetime, keep_out: KeepOut = OFF) -> int:
    """Mark an item deleted and return its number; one that is deleted already, if ratings of it are left.

    Raises:
        ItemNotFound: if there is no such item.
    """
    revision = counters.lock(session, "ratings")
    item = repository.find_item(session, item_id)
    try:
        catalogue.mark_deleted(session, item_id, now)
    except ItemNotFound:
        if item is not None and repository.has_unfinished(session, item):
            return item
        raise
    assert item is not None  # noqa: S101 - for the type checker
    repository.begin(session, item, revision)
    keep_out.note(session, Kind.ITEM, item_id, now)
    return item


def remove_some(
    session: Session, item: int, users: Sequence[int], now_us: int, *, size: StepSize, is_last: bool
) -> Removed:
    """Remove these users' ratings of a deleted item, but for later ones; with the last ones it is finished."""
    revision = counters.lock(session, "ratings")
    with size.measure(len(users)):
        removal = repository.find(session, item)
        changes = [
            Change(left.user_id, item, None, max(now_us, left.rated_at_us + 1), number, latest=True)
            for number, left in enumerate(repository.ratings_left(session, removal, users), revision + 1)
        ]
        if changes:
            write_changes(session, changes, now_us)
            counters.move(session, "ratings", revision + len(changes))
        removal.num_removed += len(changes)
        removal.finished = removal.finished or is_last
        session.flush()
    return Removed(removal.num_removed, revision + len(changes))
