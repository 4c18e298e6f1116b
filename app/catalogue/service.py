"""Store items: what stays the same keeps its revision."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, NamedTuple

from sqlalchemy.orm import Session

from app.catalogue import repository
from app.catalogue.repository import StoredItem
from app.database import counters
from app.database.engine import Database
from app.database.group_commit import GroupCommit
from app.keep_out.service import OFF, KeepOut, Kind, describe
from app.kit.errors import FieldProblem, InvalidRequest, ItemNotFound, KeptOut, PalateError
from app.kit.times import from_us


class Status(StrEnum):
    """What became of one posted item."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    REFUSED = "refused"


class ItemChange(NamedTuple):
    """An item with the fields to set; those left out stay, or take their default on a new item."""

    item_id: str
    fields: Mapping[str, Any]
    is_patch: bool = False  # of an item that must be there


class Outcome(NamedTuple):
    """What became of one item: the revision of its latest change, how it is stored, or why it is not."""

    status: Status
    revision: int
    item: StoredItem | None = None
    problem: PalateError | None = None


class Written(NamedTuple):
    """What became of a batch of items, and the revision of the catalogue after it."""

    revision: int
    outcomes: list[Outcome]

    def part(self, rows: slice) -> "Written":
        """Return what became of some of the items."""
        return Written(self.revision, self.outcomes[rows])


class ItemWriter(GroupCommit[ItemChange, Written]):
    """Stores the items of this process's requests, many requests in one transaction."""

    def __init__(self, database: Database, keep_out: KeepOut = OFF) -> None:
        def store(session: Session, changes: Sequence[ItemChange], now_us: int) -> Written:
            return set_items(session, changes, from_us(now_us), keep_out)

        super().__init__(database, store, Written.part)

    async def submit_one(self, change: ItemChange) -> StoredItem:
        """Store one item and return it as stored.

        Raises:
            KeptOut: if it was deleted and is kept out.
            ItemNotFound, InvalidRequest: if it cannot be patched; see `patch_problem`.
        """
        written = await self.submit([change])
        outcome = written.outcomes[0]
        if outcome.item is None:
            raise outcome.problem or KeptOut(f"The item {change.item_id!r} {describe(Kind.ITEM)}.")
        return outcome.item


def set_items(session: Session, changes: Sequence[ItemChange], moment: datetime, keep_out: KeepOut = OFF) -> Written:
    """Apply changes in their order; unknown and deleted items are created, those kept out are refused."""
    revision = counters.lock(session, "catalogue")
    kept = keep_out.find(session, items=(change.item_id for change in changes if not change.is_patch)).items
    items = repository.find_items(session, list({change.item_id for change in changes}))
    changed: dict[str, StoredItem] = {}
    outcomes = []
    for change in changes:
        before = items.get(change.item_id)
        problem = patch_problem(before, change) if change.is_patch else None
        if problem or (change.item_id in kept and not change.is_patch):
            outcomes.append(Outcome(Status.REFUSED, 0, problem=problem))
            continue
        if before is not None and is_same(before, change.fields):
            outcomes.append(Outcome(Status.UNCHANGED, before.revision, before))
            continue
        revision += 1
        after = apply_change(before, change, moment, revision)
        outcomes.append(Outcome(Status.UPDATED if before else Status.CREATED, revision, after))
        items[change.item_id] = changed[change.item_id] = after
    repository.save_items(session, changed.values())
    if changed:
        counters.move(session, "catalogue", revision)
    return Written(revision, outcomes)


def patch_problem(before: StoredItem | None, change: ItemChange) -> PalateError | None:
    """Return why an item cannot be changed so: it is not there, or would be available until before it is."""
    if before is None:
        return item_not_found(change.item_id)
    ends = [change.fields.get(name, getattr(before, name)) for name in ("available_from", "available_until")]
    if None in ends or ends[0] < ends[1]:
        return None
    problem = f"must be later than available_from, which is {ends[0].isoformat()}"
    return InvalidRequest(f"available_until: {problem}", [FieldProblem("/available_until", problem)])


def is_same(item: StoredItem, fields: Mapping[str, Any]) -> bool:
    """Return whether an item has these fields already."""
    return all(is_equal(getattr(item, name), value) for name, value in fields.items())


def is_equal(stored: Any, given: Any) -> bool:
    """Compare two moments, or two JSON values, of which Python takes 1, 1.0 and True for equal."""
    if isinstance(stored, datetime) or stored != given:
        return bool(stored == given)
    return json.dumps(stored, sort_keys=True) == json.dumps(given, sort_keys=True)


def apply_change(before: StoredItem | None, change: ItemChange, moment: datetime, revision: int) -> StoredItem:
    """Return the item as it is after a change, its times in UTC as the database has them."""
    values: dict[str, Any] = {
        name: value.astimezone(UTC) if isinstance(value, datetime) else value for name, value in change.fields.items()
    }
    if before is None:
        stamps: dict[str, Any] = {"created_at": moment, "updated_at": moment, "revision": revision}
        return StoredItem(external_id=change.item_id, **values, **stamps)
    return replace(before, **values, updated_at=moment, revision=revision)


def get_item(session: Session, item_id: str) -> StoredItem:
    """Return an item.

    Raises:
        ItemNotFound: if there is no such item.
    """
    item = repository.get_item(session, item_id)
    if item is None:
        raise item_not_found(item_id)
    return item


def item_not_found(item_id: str) -> ItemNotFound:
    """Return the error that says so."""
    return ItemNotFound(f"There is no item {item_id!r}: PUT /v1/items/... creates one.")


def mark_deleted(session: Session, item_id: str, moment: datetime) -> None:
    """Empty an item and mark it deleted; its row stays, because the history of ratings names it.

    Raises:
        ItemNotFound: if there is no such item.
    """
    revision = counters.lock(session, "catalogue") + 1
    item = get_item(session, item_id)
    deleted = StoredItem(
        external_id=item_id,
        active=False,
        created_at=item.created_at,
        updated_at=moment,
        deleted_at=moment,
        revision=revision,
    )
    repository.save_items(session, [deleted])
    counters.move(session, "catalogue", revision)
