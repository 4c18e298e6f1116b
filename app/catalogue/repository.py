"""Every query about items."""

import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import orjson
from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from app.database import counters
from app.database.sql_rows import execute, insert_rows, select_with
from app.kit.times import database_time
from app.tables import Item

COLUMNS = (
    Item.id,
    Item.external_id,
    Item.title,
    Item.categories,
    Item.active,
    Item.attributes,
    Item.available_from,
    Item.available_until,
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
    active = excluded.active, attributes = excluded.attributes, available_from = excluded.available_from,
    available_until = excluded.available_until, created_at = excluded.created_at, updated_at = excluded.updated_at,
    deleted_at = excluded.deleted_at, revision = excluded.revision
"""
NAMES = (
    "external_id, title, categories, active, attributes, available_from, available_until, created_at, updated_at, "
    "deleted_at, revision"
)
SAVE = {
    "postgresql": f"""
        INSERT INTO items ({NAMES})
        SELECT external_id, title, categories::jsonb, active, attributes::json, available_from, available_until,
            created_at, updated_at, deleted_at, revision
        FROM unnest($1::text[], $2::text[], $3::text[], $4::bool[], $5::text[], $6::timestamptz[], $7::timestamptz[],
            $8::timestamptz[], $9::timestamptz[], $10::timestamptz[], $11::bigint[]) AS q({NAMES})
        {UPSERT}
    """,  # noqa: S608 - text of our own
    "sqlite": f"INSERT INTO items ({NAMES}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) {UPSERT}",  # noqa: S608
}
TAKE_NUMBERS = {  # gives the last one
    "postgresql": "SELECT setval(name, nextval(name) + $1 - 1) FROM pg_get_serial_sequence('items', 'id') AS name",
    "sqlite": "SELECT coalesce(max(id), 0) + ? FROM items",
}
CREATE = {  # items that are known by their id alone
    "postgresql": """
        INSERT INTO items (id, external_id, categories, active, attributes, created_at, updated_at, revision)
        SELECT $1 + n, external_id, '[]', true, '{}', $4, $4, $3 + n
        FROM json_array_elements_text($2::json) WITH ORDINALITY AS q(external_id, n)
    """,
    "sqlite": """
        INSERT INTO items (id, external_id, categories, active, attributes, created_at, updated_at, revision)
        VALUES (?, ?, '[]', true, '{}', ?, ?, ?)
    """,
}
REVIVE = {  # what a deleted item said is gone already
    "postgresql": """
        UPDATE items SET active = true, created_at = q.moment, updated_at = q.moment, deleted_at = NULL,
            revision = q.revision
        FROM unnest($1::timestamptz[], $2::bigint[], $3::bigint[]) AS q(moment, revision, id) WHERE items.id = q.id
    """,
    "sqlite": """
        UPDATE items SET active = true, created_at = ?1, updated_at = ?1, deleted_at = NULL, revision = ?2
        WHERE id = ?3
    """,
}


KEEP_FORMER = {  # of those that are there
    "postgresql": """
        INSERT INTO former_items (until, item_id, revision, title, categories, attributes, active, available_from,
            available_until, deleted, replaced_at)
        SELECT q.revision, i.id, i.revision, i.title, i.categories, i.attributes, i.active, i.available_from,
            i.available_until, i.deleted_at IS NOT NULL, q.moment
        FROM unnest($1::text[], $2::bigint[], $3::timestamptz[]) AS q(external_id, revision, moment)
        JOIN items i ON i.external_id = q.external_id
    """,
    "sqlite": """
        INSERT INTO former_items (until, item_id, revision, title, categories, attributes, active, available_from,
            available_until, deleted, replaced_at)
        SELECT ?2, id, revision, title, categories, attributes, active, available_from, available_until,
            deleted_at IS NOT NULL, ?3
        FROM items WHERE external_id = ?1
    """,
}


class StoredItem(NamedTuple):
    """An item as the database has it."""

    id: int
    item_id: str
    title: str | None
    categories: list[str]
    active: bool
    attributes: dict[str, Any]
    available_from: datetime | None
    available_until: datetime | None
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
    available_from: datetime | None
    available_until: datetime | None
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


def list_items(session: Session, limit: int, after: int, item_ids: Sequence[str] = ()) -> list[StoredItem]:
    """Return items that are not deleted, oldest first, those after a number only; only the named, if any are."""
    query = select(*COLUMNS).where(Item.id > after, Item.deleted_at.is_(None)).order_by(Item.id)
    query = query.where(Item.external_id.in_(item_ids)) if item_ids else query
    return fetch(session, query.limit(limit))


def save_items(session: Session, items: Iterable[ItemState]) -> None:
    """Write items, new ones or changed ones. The catalogue's lock is held."""
    dialect = session.connection().dialect.name
    rows = [database_row(item, dialect) for item in items]
    if rows:
        columns = list(zip(*rows, strict=True))
        keep_former(session, columns[0], columns[-1], columns[-3])
        execute(session, SAVE, columns)


def keep_former(session: Session, item_ids: Sequence[Any], revisions: Sequence[Any], stamps: Sequence[Any]) -> None:
    """Keep what items were, before they change under these revisions, at these moments; new ones were nothing."""
    execute(session, KEEP_FORMER, [item_ids, revisions, stamps])


def database_row(item: ItemState, dialect: str) -> tuple[object, ...]:
    """Return an item as the driver takes it."""
    return (
        item.item_id,
        item.title,
        json.dumps(item.categories),
        item.active,
        json.dumps(item.attributes),
        item.available_from and database_time(item.available_from, dialect),
        item.available_until and database_time(item.available_until, dialect),
        database_time(item.created_at, dialect),
        database_time(item.updated_at, dialect),
        item.deleted_at and database_time(item.deleted_at, dialect),
        item.revision,
    )


def create_ids(session: Session, item_ids: Sequence[str], moment: datetime, revision: int) -> dict[str, int]:
    """Create items known by their id alone, whose revisions follow ``revision``; give their numbers."""
    connection = session.connection()
    dialect = connection.dialect.name
    last = int(connection.exec_driver_sql(TAKE_NUMBERS[dialect], (len(item_ids),)).scalar_one())
    numbers = range(last - len(item_ids) + 1, last + 1)
    stamp = database_time(moment, dialect)
    if dialect == "postgresql":
        columns = (numbers[0] - 1, orjson.dumps(item_ids).decode(), revision, stamp)
        connection.exec_driver_sql(CREATE[dialect], columns)
    else:
        stamps, revisions = [stamp] * len(item_ids), range(revision + 1, revision + 1 + len(item_ids))
        insert_rows(session, CREATE[dialect], [numbers, item_ids, stamps, stamps, revisions])
    return dict(zip(item_ids, numbers, strict=True))


def revive_items(session: Session, items: dict[str, int], moment: datetime, revision: int) -> None:
    """Bring deleted items back, whose numbers are given; their revisions follow ``revision``."""
    if items:
        stamps = [database_time(moment, session.connection().dialect.name)] * len(items)
        revisions = range(revision + 1, revision + 1 + len(items))
        keep_former(session, list(items), revisions, stamps)
        execute(session, REVIVE, [stamps, revisions, list(items.values())])


def find_numbers(session: Session, item_ids: Sequence[str]) -> dict[str, tuple[int, bool]]:
    """Return the numbers of the items that are there, and whether they are deleted."""
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
    deleted = {item_id: number for item_id, (number, is_deleted) in found.items() if is_deleted}
    numbers = {item_id: number for item_id, (number, _) in found.items()}
    if missing:
        numbers |= create_ids(session, missing, moment, revision)
    revive_items(session, deleted, moment, revision + len(missing))
    if missing or deleted:
        counters.move(session, "catalogue", revision + len(missing) + len(deleted))
    return numbers
