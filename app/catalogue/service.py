"""Store items: what stays the same keeps its revision."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple

from sqlalchemy.orm import Session

from app.catalogue import repository
from app.catalogue.repository import StoredItem
from app.database import counters
from app.keep_out.service import OFF, KeepOut
from app.kit.errors import FieldProblem, InvalidRequest, ItemNotFound


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


class Outcome(NamedTuple):
    """What became of one item, and the revision of its latest change; 0 if it is kept out."""

    status: Status
    revision: int


class Written(NamedTuple):
    """What became of a batch of items, and the revision of the catalogue after it."""

    revision: int
    outcomes: list[Outcome]


def set_items(session: Session, changes: Sequence[ItemChange], moment: datetime, keep_out: KeepOut = OFF) -> Written:
    """Apply changes in their order; unknown and deleted items are created, those kept out are refused."""
    revision = counters.lock(session, "catalogue")
    kept = keep_out.find(session, items=(change.item_id for change in changes)).items
    items = repository.find_items(session, list({change.item_id for change in changes}))
    changed: dict[str, StoredItem] = {}
    outcomes = []
    for change in changes:
        if change.item_id in kept:
            outcomes.append(Outcome(Status.REFUSED, 0))
            continue
        before = items.get(change.item_id)
        if before is not None and is_same(before, change.fields):
            outcomes.append(Outcome(Status.UNCHANGED, before.revision))
            continue
        revision += 1
        outcomes.append(Outcome(Status.UPDATED if before else Status.CREATED, revision))
        items[change.item_id] = changed[change.item_id] = apply_change(before, change, moment, revision)
    repository.save_items(session, changed.values())
    if changed:
        counters.move(session, "catalogue", revision)
    return Written(revision, outcomes)


def is_same(item: StoredItem, fields: Mapping[str, Any]) -> bool:
    """Return whether an item has these fields already."""
    return all(is_equal(getattr(item, name), value) for name, value in fields.items())


def is_equal(stored: Any, given: Any) -> bool:
    """Compare two moments, or two JSON values, of which Python takes 1, 1.0 and True for equal."""
    if isinstance(stored, datetime) or stored != given:
        return bool(stored == given)
    return json.dumps(stored, sort_keys=True) == json.dumps(given, sort_keys=True)


def apply_change(before: StoredItem | None, change: ItemChange, moment: datetime, revision: int) -> StoredItem:
    """Return the item as it is after a change."""
    if before is None:
        stamps: dict[str, Any] = {"created_at": moment, "updated_at": moment, "revision": revision}
        return StoredItem(external_id=change.item_id, **change.fields, **stamps)
    return replace(before, **change.fields, updated_at=moment, revision=revision)


def put_item(session: Session, change: ItemChange, moment: datetime, keep_out: KeepOut = OFF) -> StoredItem:
    """Set an item and return it as stored.

    Raises:
        KeptOut: if it was deleted and is kept out.
    """
    counters.lock(session, "catalogue")
    keep_out.check(session, items=[change.item_id])
    set_items(session, [change], moment)
    return get_item(session, change.item_id)


def patch_item(session: Session, change: ItemChange, moment: datetime) -> StoredItem:
    """Change some fields of an item and return it as stored.

    Raises:
        ItemNotFound: if there is no such item.
        InvalidRequest: if it would be available until before it is available from.
    """
    counters.lock(session, "catalogue")
    before = get_item(session, change.item_id)
    ends = [change.fields.get(name, getattr(before, name)) for name in ("available_from", "available_until")]
    if None not in ends and ends[0] >= ends[1]:
        problem = f"must be later than available_from, which is {ends[0].isoformat()}"
        raise InvalidRequest(f"available_until: {problem}", [FieldProblem("/available_until", problem)])
    return put_item(session, change, moment)


def get_item(session: Session, item_id: str) -> StoredItem:
    """Return an item.

    Raises:
        ItemNotFound: if there is no such item.
    """
    item = repository.get_item(session, item_id)
    if item is None:
        raise ItemNotFound(f"There is no item {item_id!r}: PUT /v1/items/... creates one.")
    return item


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
