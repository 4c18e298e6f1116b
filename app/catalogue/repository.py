"""Every query about items, and about what they were."""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import Select, delete, func, select
from sqlalchemy.orm import Session

from app.database import counters
from app.database.sql_rows import execute, insert_rows, select_with
from app.kit.times import database_time
from app.tables import FormerItem, Item, RulesChange

FORGOTTEN = "forgotten"  # counts the revisions of the catalogue that cannot be had any more


@dataclass(frozen=True, kw_only=True)
class StoredItem:
    """An item as the database has it, or is to have it: fields are columns."""

    id: int = 0  # chosen by the database
    external_id: str
    title: str | None = None
    categories: list[str] = field(default_factory=list)
    active: bool = True
    attributes: dict[str, Any] = field(default_factory=dict)
    available_from: datetime | None = None
    available_until: datetime | None = None
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None = None
    revision: int


COLUMNS = tuple(getattr(Item, column.name) for column in fields(StoredItem))
WRITTEN = tuple(column.name for column in fields(StoredItem) if column.name != "id")
NAMES = ", ".join(WRITTEN)
FIND_NUMBERS = (
    "SELECT i.external_id, i.id, i.deleted_at IS NOT NULL FROM {rows} JOIN items i ON i.external_id = q.external_id"
)
UPSERT = "ON CONFLICT (external_id) DO UPDATE SET " + ", ".join(f"{name} = excluded.{name}" for name in WRITTEN[1:])
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
TAKE_NUMBERS = {  # returns the last one
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
INTO_FORMER = """
    INSERT INTO former_items (title, categories, attributes, active, available_from, available_until, item_id, deleted,
        revision, until, replaced_at)
    SELECT title, categories, attributes, active, available_from, available_until, i.id, deleted_at IS NOT NULL,
        i.revision,
"""
KEEP_FORMER = {  # of those that are there
    "postgresql": f"""
        {INTO_FORMER} q.revision, q.moment FROM unnest($1::text[], $2::bigint[], $3::timestamptz[])
        AS q(external_id, revision, moment) JOIN items i ON i.external_id = q.external_id
    """,
    "sqlite": f"{INTO_FORMER} ?2, ?3 FROM items i WHERE external_id = ?1",
}


def fetch(session: Session, query: Select[Any]) -> list[StoredItem]:
    """Run a query of `COLUMNS`."""
    return [StoredItem(**row) for row in session.execute(query).mappings()]


def find_items(session: Session, item_ids: Sequence[str]) -> dict[str, StoredItem]:
    """Find items that are not deleted by the caller's ids."""
    query = select(*COLUMNS).where(Item.external_id.in_(item_ids), Item.deleted_at.is_(None))
    return {item.external_id: item for item in fetch(session, query)}


def get_item(session: Session, item_id: str) -> StoredItem | None:
    """Find an item that is not deleted."""
    return find_items(session, [item_id]).get(item_id)


def list_items(session: Session, limit: int, after: int, item_ids: Sequence[str] = ()) -> list[StoredItem]:
    """Return items that are not deleted, oldest first, those after a number only; only the named, if any are."""
    query = select(*COLUMNS).where(Item.id > after, Item.deleted_at.is_(None)).order_by(Item.id)
    query = query.where(Item.external_id.in_(item_ids)) if item_ids else query
    return fetch(session, query.limit(limit))


def save_items(session: Session, items: Collection[StoredItem]) -> None:
    """Write items, new ones or changed ones. The catalogue's lock is held."""
    if items:
        dialect = session.connection().dialect.name
        columns = {name: [database_value(getattr(item, name), dialect) for item in items] for name in WRITTEN}
        keep_former(session, columns["external_id"], columns["revision"], columns["updated_at"])
        execute(session, SAVE, list(columns.values()))


def keep_former(session: Session, item_ids: Sequence[Any], revisions: Sequence[Any], stamps: Sequence[Any]) -> None:
    """Keep what items were, before they change under these revisions, at these moments; new ones were nothing."""
    execute(session, KEEP_FORMER, [item_ids, revisions, stamps])


def database_value(value: Any, dialect: str) -> Any:
    """Return a field's value as the driver takes it."""
    if isinstance(value, datetime):
        return database_time(value, dialect)
    return json.dumps(value) if isinstance(value, list | dict) else value


def create_ids(session: Session, item_ids: Sequence[str], moment: datetime, revision: int) -> dict[str, int]:
    """Create items known by their id alone, whose revisions follow ``revision``; return their numbers."""
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
    """Bring deleted items back, given by number; their revisions follow ``revision``."""
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
    """Create the items that are not there, revive the deleted ones; return the numbers of all.

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


def forget_before(session: Session, moment: datetime) -> None:
    """Remove what was replaced before a moment; the catalogue can be had as it was from then on."""
    forgotten = session.scalar(select(func.max(FormerItem.until)).where(FormerItem.replaced_at < moment))
    if forgotten is None:
        return
    counters.lock(session, FORGOTTEN)
    session.execute(delete(FormerItem).where(FormerItem.until <= forgotten))
    kept = select(func.max(RulesChange.revision)).where(RulesChange.revision <= forgotten).scalar_subquery()
    session.execute(delete(RulesChange).where(RulesChange.revision < kept))
    counters.move(session, FORGOTTEN, forgotten)


def read_titles(session: Session) -> list[tuple[str, str | None, dict[str, Any]]]:
    """Read id, title and attributes of all items."""
    rows = session.execute(select(Item.external_id, Item.title, Item.attributes).where(Item.deleted_at.is_(None)))
    return [(item_id, title, attributes) for item_id, title, attributes in rows]
