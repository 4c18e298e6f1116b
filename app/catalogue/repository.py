"""Every query about items."""

import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import orjson
from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from app import counters
from app.rowset import execute, insert_rows, select_with
from app.tables import Item
from app.times import database_time

COLUMNS = (
    Item.id,
    Item.external_id,
    Item.title,
    Item.categories,
    Item.active,
    Item.attributes,
    Item.created_at,
    Item.updated_at,
    Item.deleted_at,
    Item.revision,
)
FIND_NUMBERS = (
    "SELECT i.external_id, i.id, i.deleted_at IS NOT NULL FROM {rows} JOIN items i ON i.external_id = q.external_id"
)
UPSERT = """
    ON CONFLICT (external_id) DO UPDATE SET title = excluded.title, categories = excluded.categories,
    active = excluded.active, attributes = excluded.attributes, created_at = excluded.created_at,
    updated_at = excluded.updated_at, deleted_at = excluded.deleted_at, revision = excluded.revision
"""
INTO = "INTO items (external_id, title, categories, active, attributes, created_at, updated_at, deleted_at, revision)"
SAVE = {
    "postgresql": f"""
        INSERT {INTO}
        SELECT external_id, title, categories::jsonb, active, attributes::json, created_at, updated_at, deleted_at,
            revision
        FROM unnest($1::text[], $2::text[], $3::text[], $4::bool[], $5::text[], $6::timestamptz[], $7::timestamptz[],
            $8::timestamptz[], $9::bigint[])
        AS q(external_id, title, categories, active, attributes, created_at, updated_at, deleted_at, revision)
        {UPSERT}
    """,  # noqa: S608 - text of our own
    "sqlite": f"INSERT {INTO} VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) {UPSERT}",  # noqa: S608
}
BY_ID_POSTGRESQL = f"""
    INSERT {INTO}
    SELECT external_id, NULL, '[]'::jsonb, true, '{{}}'::json, $2, $2, NULL, $3 + n
    FROM json_array_elements_text($1::json) WITH ORDINALITY AS q(external_id, n)
"""  # noqa: S608 - text of our own
BY_ID_SQLITE = f"INSERT {INTO} VALUES (?, NULL, '[]', true, '{{}}', ?, ?, NULL, ?)"  # noqa: S608
CREATE = {  # items that are known by their id alone
    "postgresql": f"{BY_ID_POSTGRESQL} RETURNING external_id, id",
    "sqlite": BY_ID_SQLITE.replace("(external_id", "(id, external_id").replace("(?", "(?, ?"),
}
REVIVE = {"postgresql": BY_ID_POSTGRESQL + UPSERT, "sqlite": BY_ID_SQLITE + UPSERT}  # the same, of deleted ones
LAST_ITEM = "SELECT coalesce(max(id), 0) FROM items"


class StoredItem(NamedTuple):
    """An item as the database has it."""

    id: int
    item_id: str
    title: str | None
    categories: list[str]
    active: bool
    attributes: dict[str, Any]
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None
    revision: int


class ItemState(NamedTuple):
    """An item to be written."""

    item_id: str
    title: str | None
    categories: list[str]
    active: bool
    attributes: dict[str, Any]
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None
    revision: int


def fetch(session: Session, query: Select[Any]) -> list[StoredItem]:
    """Run a query of `COLUMNS`."""
    return [StoredItem(*row) for row in session.execute(query)]


def find_items(session: Session, item_ids: Sequence[str]) -> dict[str, StoredItem]:
    """Find items by the caller's ids, deleted ones too."""
    return {item.item_id: item for item in fetch(session, select(*COLUMNS).where(Item.external_id.in_(item_ids)))}


def get_item(session: Session, item_id: str) -> StoredItem | None:
    """Find an item that is not deleted."""
    found = fetch(session, select(*COLUMNS).where(Item.external_id == item_id, Item.deleted_at.is_(None)))
    return found[0] if found else None


def list_items(session: Session, limit: int, after: int) -> list[StoredItem]:
    """Give items that are not deleted, oldest first, those after a number only."""
    query = select(*COLUMNS).where(Item.id > after, Item.deleted_at.is_(None)).order_by(Item.id)
    return fetch(session, query.limit(limit))


def save_items(session: Session, items: Iterable[ItemState]) -> None:
    """Write items, new ones or changed ones. The catalogue's lock is held."""
    dialect = session.connection().dialect.name
    rows = [database_row(item, dialect) for item in items]
    if rows:
        execute(session, SAVE, list(zip(*rows, strict=True)))


def database_row(item: ItemState, dialect: str) -> tuple[object, ...]:
    """Give an item as the driver takes it."""
    return (
        item.item_id,
        item.title,
        json.dumps(item.categories),
        item.active,
        json.dumps(item.attributes),
        database_time(item.created_at, dialect),
        database_time(item.updated_at, dialect),
        item.deleted_at and database_time(item.deleted_at, dialect),
        item.revision,
    )


def create_ids(session: Session, item_ids: Sequence[str], moment: datetime, revision: int) -> dict[str, int]:
    """Create items known by their id alone, whose revisions follow ``revision``; give their numbers."""
    connection = session.connection()
    stamp = database_time(moment, connection.dialect.name)
    if connection.dialect.name == "postgresql":
        columns = (orjson.dumps(item_ids).decode(), stamp, revision)
        return dict(map(tuple, connection.exec_driver_sql(CREATE["postgresql"], columns)))
    last = connection.exec_driver_sql(LAST_ITEM).scalar_one()
    numbers, revisions = following(last, item_ids), following(revision, item_ids)
    stamps = [stamp] * len(item_ids)
    insert_rows(session, CREATE["sqlite"], [numbers, item_ids, stamps, stamps, revisions])
    return dict(zip(item_ids, numbers, strict=True))


def revive_ids(session: Session, item_ids: Sequence[str], moment: datetime, revision: int) -> None:
    """Bring deleted items back, known by their id alone; their revisions follow ``revision``."""
    connection = session.connection()
    stamp = database_time(moment, connection.dialect.name)
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(REVIVE["postgresql"], (orjson.dumps(item_ids).decode(), stamp, revision))
    else:
        numbered = zip(item_ids, following(revision, item_ids), strict=True)
        connection.exec_driver_sql(REVIVE["sqlite"], [(item_id, stamp, stamp, number) for item_id, number in numbered])


def following(number: int, rows: Sequence[str]) -> range:
    """Give the numbers after ``number``, one a row."""
    return range(number + 1, number + 1 + len(rows))


def find_numbers(session: Session, item_ids: Sequence[str]) -> dict[str, tuple[int, bool]]:
    """Give the numbers of the items that are there, and whether they are deleted."""
    found = select_with(session, FIND_NUMBERS, "external_id text", [item_ids])
    return {item_id: (number, bool(deleted)) for item_id, number, deleted in found}


def ensure_items(
    session: Session, item_ids: Sequence[str], moment: datetime, missed_at: int | None = None
) -> dict[str, int]:
    """Create the items that are not there, revive the deleted ones; give the numbers of all.

    ``missed_at``: the catalogue's revision, read before none of the items was found. If it is the same now that no
    other transaction can change it, there is still none.
    """
    revision = counters.lock(session, "catalogue")
    found = {} if revision == missed_at else find_numbers(session, item_ids)
    missing = [item_id for item_id in item_ids if item_id not in found]
    deleted = [item_id for item_id, (_, is_deleted) in found.items() if is_deleted]
    numbers = {item_id: number for item_id, (number, _) in found.items()}
    if missing:
        numbers |= create_ids(session, missing, moment, revision)
    if deleted:
        revive_ids(session, deleted, moment, revision + len(missing))
    if missing or deleted:
        counters.move(session, "catalogue", revision + len(missing) + len(deleted))
    return numbers
