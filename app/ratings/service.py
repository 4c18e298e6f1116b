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

    async def remove(self, user_id: str, item_id: str) -> Written:
        """Remove a rating.

        Raises:
            RatingNotFound: if there is none.
        """
        written = await self.submit([RatingRow(user_id, item_id, None, None)])
        if written.outcomes[0].status is Status.UNCHANGED:
            raise RatingNotFound(f"User {user_id!r} has no rating of item {item_id!r}.")
        return written


def set_ratings(session: Session, rows: Sequence[RatingRow], now_us: int, keep_out: KeepOut = OFF) -> Written:
    """Apply valid ratings in their order; unknown users and items are created, those kept out are refused."""
    ledger = Ledger(session, [row[:2] for row in rows], now_us)
    kept = keep_out.find(session, (row.user_id for row in rows), (row.item_id for row in rows))
    ledger.recall(rows)
    outcomes = []
    for row in rows:
        field = None if row.value is None else kept.field_of(row.user_id, row.item_id)
        outcomes.append(Outcome(Status.REFUSED, None, now_us, field) if field else ledger.decide(row))
    ledger.write()
    return Written(ledger.revision, outcomes)


class Ledger:
    """Decides about ratings one after another, under the lock, and writes what came of it at once.

    Attributes:
        revision: of the latest change.
        pairs: of users and items, as they are after what is decided.
    """

    def __init__(self, session: Session, keys: Sequence[Key], now_us: int) -> None:
        self._session, self._now_us = session, now_us
        self.revision = counters.lock(session, "ratings")
        self.pairs = repository.find_pairs(session, list(dict.fromkeys(keys)))
        self._applied: list[tuple[Key, Outcome, float | None]] = []

    def recall(self, rows: Sequence[RatingRow]) -> None:
        """Look up the history of rows that contradict what is stored, before anything is decided."""
        pairs = [pair for row in rows if contradicts(row, pair := self.pairs[row[:2]])]
        repository.load_history(self._session, pairs)

    def decide(self, row: RatingRow) -> Outcome:
        """Decide what becomes of a row."""
        pair = self.pairs[row[:2]]
        status, rated_at_us = pair.decide(row, self._now_us)
        if status not in APPLIED:
            return Outcome(status, None, rated_at_us)
        self.revision += 1
        pair.apply(row.value, rated_at_us, self.revision)
        outcome = Outcome(status, self.revision, rated_at_us)
        self._applied.append((row[:2], outcome, row.value))
        return outcome

    def write(self) -> None:
        """Write what was decided: missing users and items, the history, the ratings as they are now."""
        if not self._applied:
            return
        touched = {key: self.pairs[key] for key, _, value in self._applied if value is not None}
        repository.create_missing(self._session, touched, self._now_us)
        changes = []
        for key, outcome, value in self._applied:
            pair = self.pairs[key]
            assert pair.user and pair.item and outcome.revision  # noqa: S101, PT018 - for the type checker
            latest = pair.revision == outcome.revision
            changes.append(Change(pair.user, pair.item, value, outcome.rated_at_us, outcome.revision, latest))
        repository.write_changes(self._session, changes, self._now_us)
        counters.move(self._session, "ratings", self.revision)


def contradicts(row: RatingRow, pair: Pair) -> bool:
    """Return whether a row gives another value for the very moment that is stored: the history says which came last."""
    return row.rated_at_us is not None and row.rated_at_us == pair.rated_at_us and row.value != pair.value


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
