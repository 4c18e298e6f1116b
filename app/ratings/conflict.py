"""The rule of a rating: the last write wins by `rated_at`, and saying the same again changes nothing."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple


class Status(StrEnum):
    """What became of one posted rating."""

    CREATED = "created"  # the user had no rating of the item
    UPDATED = "updated"  # another value, or a later date
    UNCHANGED = "unchanged"  # known already
    STALE = "stale"  # a later rating, or removal, is known
    REMOVED = "removed"
    REFUSED = "refused"  # `error` says why


class RatingRow(NamedTuple):
    """One valid rating to store; no date means now."""

    user_id: str
    item_id: str
    value: float | None  # None removes the rating
    rated_at_us: int | None


class Outcome(NamedTuple):
    """What became of one row; the revision of the change, if it made one; the field whose id is kept out, if any."""

    status: Status
    revision: int | None
    rated_at_us: int
    kept_out: str | None = None


@dataclass(slots=True)
class Pair:
    """A user's rating of an item while a batch is applied to it. No date: never rated. No value: removed."""

    user: int | None
    item: int | None
    value: float | None = None
    rated_at_us: int | None = None
    revision: int = 0  # of the latest change made here
    item_deleted: bool = False
    recorded: set[tuple[float | None, int]] = field(default_factory=set)  # history at the date stored

    def decide(self, row: RatingRow, now_us: int) -> tuple[Status, int]:
        """Return what a row changes, and the date it counts with."""
        stored_us = self.rated_at_us
        if row.value is None and self.value is None:
            return Status.UNCHANGED, stored_us or now_us
        if stored_us is None:
            return Status.CREATED, now_us if row.rated_at_us is None else row.rated_at_us
        if row.rated_at_us is None:
            if row.value == self.value:
                return Status.UNCHANGED, stored_us
            return self._applied(row), max(now_us, stored_us + 1)
        if row.rated_at_us == stored_us and row.value == self.value:
            return Status.UNCHANGED, stored_us
        replayed = row.rated_at_us == stored_us and (row.value, stored_us) in self.recorded
        if row.rated_at_us < stored_us or replayed:
            return Status.STALE, stored_us
        return self._applied(row), row.rated_at_us

    def _applied(self, row: RatingRow) -> Status:
        if row.value is None:
            return Status.REMOVED
        return Status.CREATED if self.value is None else Status.UPDATED

    def apply(self, value: float | None, rated_at_us: int, revision: int) -> None:
        """Take the row over."""
        self.value, self.rated_at_us, self.revision = value, rated_at_us, revision
        self.recorded.add((value, rated_at_us))
