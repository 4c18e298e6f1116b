"""Store ratings: decide row by row, write all at once."""

from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

from sqlalchemy.orm import Session

from app.database import counters
from app.database.engine import Database
from app.database.group_commit import GroupCommit
from app.keep_out.service import OFF, KeepOut
from app.kit.errors import RatingNotFound, UserNotFound
from app.ratings import repository
from app.ratings.conflict import Outcome, Pair, RatingRow, Status
from app.ratings.repository import Change, RatingPage, StoredUser

APPLIED = {Status.CREATED, Status.UPDATED, Status.REMOVED}
Key = tuple[str, str]


class Written(NamedTuple):
    """What became of a batch, row by row, and the revision up to which every change is now stored."""

    revision: int
    outcomes: list[Outcome]

    def part(self, rows: slice) -> "Written":
        """Return what became of some of the rows."""
        return Written(self.revision, self.outcomes[rows])


class RatingWriter(GroupCommit[RatingRow, Written]):
    """Stores the ratings of this process's requests, many requests in one transaction."""

    def __init__(self, database: Database, keep_out: KeepOut = OFF) -> None:
        super().__init__(database, partial(set_ratings, keep_out=keep_out), Written.part)


def set_ratings(session: Session, rows: Sequence[RatingRow], now_us: int, keep_out: KeepOut = OFF) -> Written:
    """Apply valid ratings in their order; unknown users and items are created, those kept out are refused."""
    revision = counters.lock(session, "ratings")
    kept = keep_out.find(session, (row.user_id for row in rows), (row.item_id for row in rows))
    pairs = repository.find_pairs(session, list(dict.fromkeys((row.user_id, row.item_id) for row in rows)))
    repository.load_history(session, [pair for row in rows if contradicts(row, pair := pairs[row[:2]])])
    outcomes = []
    applied: list[tuple[Key, Outcome, float | None]] = []
    for row in rows:
        if field := kept.field_of(row.user_id, row.item_id):
            outcomes.append(Outcome(Status.REFUSED, None, now_us, field))
            continue
        pair = pairs[row[:2]]
        status, rated_at_us = pair.decide(row, now_us)
        if status in APPLIED:
            revision += 1
            pair.apply(row.value, rated_at_us, revision)
            outcomes.append(outcome := Outcome(status, revision, rated_at_us))
            applied.append((row[:2], outcome, row.value))
        else:
            outcomes.append(Outcome(status, None, rated_at_us))
    if applied:
        write(session, pairs, applied, now_us)
        counters.move(session, "ratings", revision)
    return Written(revision, outcomes)


def contradicts(row: RatingRow, pair: Pair) -> bool:
    """Return whether a row gives another value for the very moment that is stored: the history says which came last."""
    return row.rated_at_us is not None and row.rated_at_us == pair.rated_at_us and row.value != pair.value


def write(
    session: Session, pairs: dict[Key, Pair], applied: Sequence[tuple[Key, Outcome, float | None]], now_us: int
) -> None:
    """Write what was decided: missing users and items, the history, the ratings as they are now."""
    touched = {key: pairs[key] for key, _, value in applied if value is not None}
    repository.create_missing(session, touched, now_us)
    changes = []
    for key, outcome, value in applied:
        pair = pairs[key]
        assert pair.user and pair.item and outcome.revision  # noqa: S101, PT018 - for the type checker
        latest = pair.revision == outcome.revision
        changes.append(Change(pair.user, pair.item, value, outcome.rated_at_us, outcome.revision, latest))
    repository.write_changes(session, changes, now_us)


def remove_rating(session: Session, user_id: str, item_id: str, now_us: int) -> Written:
    """Remove a rating.

    Raises:
        RatingNotFound: if there is none.
    """
    written = set_ratings(session, [RatingRow(user_id, item_id, None, None)], now_us)
    if written.outcomes[0].status is Status.UNCHANGED:
        raise RatingNotFound(f"User {user_id!r} has no rating of item {item_id!r}.")
    return written


def list_ratings(session: Session, user_id: str, limit: int, before: int | None) -> RatingPage:
    """Return a user's ratings, newest change first, those before a revision only.

    Raises:
        UserNotFound: if there is no such user.
    """
    return repository.list_ratings(session, get_user(session, user_id), limit, before)


def get_user(session: Session, user_id: str) -> StoredUser:
    """Return what is known about a user.

    Raises:
        UserNotFound: if nothing is.
    """
    user = repository.get_user(session, user_id)
    if user is None:
        raise UserNotFound(f"There is no user {user_id!r}: a first rating creates one.")
    return user
