"""Store many ratings at once, as columns: the same rule as `service.set_ratings`, decided by array.

What the arrays cannot decide alone (a pair twice in one batch, another value for the very moment that is stored, an
item that was deleted) is left to `service.set_ratings`, in the same transaction.
"""

from collections import Counter
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from app.catalogue import repository as catalogue
from app.database import counters
from app.kit.times import from_us
from app.ratings import removal_repository, repository, service
from app.ratings.bulk_repository import NO_TIME, BatchUsers, Changes, Flags, Stored, Whole, find_stored, write_changes
from app.ratings.conflict import RatingRow, Status

MAX_KNOWN = 500_000  # items


@dataclass(frozen=True)
class RatingColumns:
    """A batch of valid ratings (E): row e is user ``user_ids[users[e]]``'s rating of ``item_ids[items[e]]``.

    Attributes:
        user_ids: the users named, each once; all of them occur in ``users``.
        item_ids: the items named, each once; all of them occur in ``items``.
        users: int64 (E,), indices into ``user_ids``.
        items: int64 (E,), indices into ``item_ids``.
        values: float64 (E,), on the scale.
        rated_at_us: int64 (E,), NO_TIME where there is none: then it counts as of now.
    """

    user_ids: list[str]
    item_ids: list[str]
    users: Whole
    items: Whole
    values: NDArray[np.float64]
    rated_at_us: Whole

    def row(self, index: int) -> RatingRow:
        """Return one rating."""
        rated_at_us = int(self.rated_at_us[index])
        return RatingRow(
            self.user_ids[self.users[index]],
            self.item_ids[self.items[index]],
            float(self.values[index]),
            None if rated_at_us == NO_TIME else rated_at_us,
        )


@dataclass
class ItemNumbers:
    """The numbers of items from batch to batch, as of one revision of the catalogue.

    Who deletes an item holds the ratings' lock and moves the catalogue's counter, so under that lock an equal counter
    means that all of this still holds.
    """

    revision: int = -1
    numbers: dict[str, int] = field(default_factory=dict)
    is_settled: bool = True  # False from `resolve` to `settle`: what it created may have been rolled back

    def settle(self) -> None:
        """Note that the transaction is committed."""
        self.is_settled = True

    def resolve(self, session: Session, item_ids: list[str], now_us: int) -> tuple[Whole, Flags]:
        """Return the number of each item, created if need be, and which are deleted. The ratings' lock is held."""
        revision = counters.read(session, "catalogue")
        if revision != self.revision or not self.is_settled or len(self.numbers) > MAX_KNOWN:
            self.numbers, self.revision = {}, revision
        self.is_settled = False
        unknown = [item_id for item_id in item_ids if item_id not in self.numbers]
        found = catalogue.find_numbers(session, unknown) if unknown else {}
        deleted = {item_id: number for item_id, (number, is_deleted) in found.items() if is_deleted}
        self.numbers |= {item_id: number for item_id, (number, is_deleted) in found.items() if not is_deleted}
        if missing := [item_id for item_id in unknown if item_id not in found]:
            self.numbers |= catalogue.ensure_items(session, missing, from_us(now_us), missed_at=revision)
            self.revision = counters.read(session, "catalogue")
        numbers = self.numbers | deleted if deleted else self.numbers
        resolved = np.array([numbers[item_id] for item_id in item_ids])
        leaving = removal_repository.unfinished(session)  # back already, while ratings of before are being removed
        return resolved, np.isin(resolved, [*deleted.values(), *leaving])


def set_columns(session: Session, columns: RatingColumns, known: ItemNumbers, now_us: int) -> Counter[Status]:
    """Apply a batch; count what became of its rows."""
    if not len(columns.values):
        return Counter()
    revision = counters.lock(session, "ratings")
    batch_users = resolve_users(session, columns.user_ids)
    item_numbers, is_deleted = known.resolve(session, columns.item_ids, now_us)
    users, items = batch_users.numbers[columns.users], item_numbers[columns.items]
    pairs = users * (items.max() + 1) + items  # int64 holds two thousand million users times as many items
    order = np.argsort(pairs)
    left = mark_repeated(pairs, order) | is_deleted[columns.items]
    stored = find_stored(session, users, items, ~left & ~batch_users.is_new[columns.users])
    verdict = decide(columns, stored, left, now_us)
    applied = verdict.applied
    changes = Changes(
        columns.users[applied],
        users[applied],
        items[applied],
        columns.values[applied],
        verdict.rated_at_us[applied],
        stored.rated_at_us[applied] == NO_TIME,
        order=(np.cumsum(applied) - 1)[order[applied[order]]],
    )
    write_changes(session, changes, batch_users, revision=revision, now_us=now_us)
    return verdict.counts + set_one_by_one(session, columns, np.flatnonzero(verdict.left), now_us)


@dataclass(frozen=True)
class Verdict:
    """What becomes of each row (E,): applied with a date, left to the rule for single ratings, or neither."""

    applied: Flags
    left: Flags
    rated_at_us: Whole
    counts: Counter[Status]


def decide(columns: RatingColumns, stored: Stored, left: Flags, now_us: int) -> Verdict:
    """Apply the rule of `Pair.decide` to all rows but those that are left out already."""
    is_new, has_time = stored.rated_at_us == NO_TIME, columns.rated_at_us != NO_TIME
    same_value, same_time = stored.values == columns.values, stored.rated_at_us == columns.rated_at_us
    left = left | ~is_new & has_time & same_time & ~same_value
    unchanged = ~left & ~is_new & same_value & (same_time | ~has_time)
    stale = ~left & ~is_new & has_time & (columns.rated_at_us < stored.rated_at_us)
    applied = ~(left | unchanged | stale)
    counts = Counter(
        {
            Status.CREATED: int((applied & np.isnan(stored.values)).sum()),
            Status.UPDATED: int((applied & ~np.isnan(stored.values)).sum()),
            Status.UNCHANGED: int(unchanged.sum()),
            Status.STALE: int(stale.sum()),
        }
    )
    times = np.where(has_time, columns.rated_at_us, np.maximum(now_us, stored.rated_at_us + 1))
    return Verdict(applied, left, times, counts)


def set_one_by_one(session: Session, columns: RatingColumns, rows: NDArray[np.intp], now_us: int) -> Counter[Status]:
    """Leave some rows, in their order, to the rule for single ratings."""
    if not len(rows):
        return Counter()
    written = service.set_ratings(session, [columns.row(int(index)) for index in rows], now_us)
    return Counter(outcome.status for outcome in written.outcomes)


def resolve_users(session: Session, user_ids: list[str]) -> BatchUsers:
    """Return the number of each user; those who are not there yet take the next ones."""
    known = repository.find_users(session, user_ids)
    numbers = np.array([known.get(user_id, 0) for user_id in user_ids])
    is_new = numbers == 0
    numbers[is_new] = repository.next_user(session) + np.arange(is_new.sum())
    return BatchUsers(user_ids, numbers, is_new)


def mark_repeated(pairs: Whole, order: NDArray[np.intp]) -> Flags:
    """Mark the rows whose pair occurs more than once: bool (E,). ``order`` sorts them."""
    same = np.diff(pairs[order]) == 0
    marked = np.zeros(len(pairs), np.bool_)
    marked[order[1:][same]] = True
    marked[order[:-1][same]] = True
    return marked
