"""Export: ratings or items as NDJSON or Parquet, streamed in one snapshot, in the same order on both databases."""

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import IO, Any

import orjson
import pyarrow as pa
from pyarrow import parquet
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.database.sql_rows import select_columns
from app.kit.times import from_us
from app.tables import Item, Rating, User

QUOTE = '"'
TO_QUOTE = re.compile(r'[",\r\n]').search
USERS_A_STEP = 100
ITEMS_A_STEP = 1_000
RATED = ("q.n", "i.external_id", "r.value", "r.rated_at_us")
RATINGS = """
    SELECT {columns} FROM {rows}
    JOIN ratings r ON r.user_id = q.id JOIN items i ON i.id = r.item_id WHERE r.value IS NOT NULL
"""
RATING_SCHEMA = pa.schema(
    {"user_id": pa.string(), "item_id": pa.string(), "value": pa.float64(), "rated_at": pa.timestamp("us", "UTC")}
)
ITEM_SCHEMA = pa.schema(
    {
        "item_id": pa.string(),
        "title": pa.string(),
        "categories": pa.list_(pa.string()),
        "active": pa.bool_(),
        "attributes": pa.string(),  # JSON text: an object of any keys has no column type
        "available_from": pa.timestamp("us", "UTC"),
        "available_until": pa.timestamp("us", "UTC"),
    }
)
Rows = list[dict[str, Any]]
Progress = Callable[[int, int], None]  # rows written, rows in all


def dump_line(row: Any) -> bytes:
    """Write a row as a line."""
    return orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE | orjson.OPT_UTC_Z | orjson.OPT_SORT_KEYS)


class Writer(ABC):
    """Writes rows in one format."""

    def __init__(self, stream: IO[bytes]) -> None:
        self.stream = stream

    @abstractmethod
    def write(self, rows: Rows) -> None:
        """Write some rows."""

    @abstractmethod
    def close(self) -> None:
        """Finish the file; the stream stays open."""


class NdjsonWriter(Writer):
    """One JSON object a line."""

    def write(self, rows: Rows) -> None:
        """Write some rows."""
        self.stream.write(b"".join(map(dump_line, rows)))

    def close(self) -> None:
        """Send on what is buffered."""
        self.stream.flush()


class CsvWriter(Writer):
    """CSV with a header line; categories and attributes are JSON text."""

    def __init__(self, stream: IO[bytes], schema: pa.Schema) -> None:
        super().__init__(stream)
        self._names = schema.names
        self.stream.write(csv_line(self._names))

    def write(self, rows: Rows) -> None:
        """Write some rows."""
        self.stream.write(b"".join(csv_line([csv_cell(row[name]) for name in self._names]) for row in rows))

    def close(self) -> None:
        """Send on what is buffered."""
        self.stream.flush()


def csv_line(cells: list[str]) -> bytes:
    """Write a line; what needs quotes has them."""
    return (
        ",".join(f'"{cell.replace(QUOTE, 2 * QUOTE)}"' if TO_QUOTE(cell) else cell for cell in cells) + "\n"
    ).encode()


def csv_cell(value: Any) -> str:
    """Write a value: text as it is, nothing as nothing, a moment as RFC 3339, anything else as JSON."""
    if value is None or isinstance(value, str):
        return value or ""
    return dump_line(value).decode().strip().strip(QUOTE if isinstance(value, datetime) else "")


class ParquetWriter(Writer):
    """Parquet, a row group each step."""

    def __init__(self, stream: IO[bytes], schema: pa.Schema) -> None:
        super().__init__(stream)
        self._file = parquet.ParquetWriter(stream, schema)
        self._schema = schema

    def write(self, rows: Rows) -> None:
        """Write some rows."""
        if rows and "attributes" in rows[0]:
            rows = [row | {"attributes": dump_line(row["attributes"]).decode().rstrip()} for row in rows]
        self._file.write_table(pa.Table.from_pylist(rows, self._schema))

    def close(self) -> None:
        """Write the end of the file."""
        self._file.close()


def export_ratings(session: Session, writer: Writer, progress: Progress) -> int:
    """Write every rating, ordered by the ids of user and item; return their number."""
    total = session.scalar(select(func.count()).select_from(Rating).where(Rating.value.is_not(None))) or 0
    num_rows = 0
    for users in user_steps(session):
        rows = ratings_of(session, users)
        writer.write(rows)
        num_rows += len(rows)
        progress(num_rows, total)
    return num_rows


def user_steps(session: Session) -> Iterator[Sequence[Any]]:
    """Return the users in the order of their ids' code points, some at a time."""
    query = select(User.id, User.external_id).order_by(by_code_point(session, User.external_id))
    yield from session.execute(query.execution_options(yield_per=USERS_A_STEP)).partitions()


def by_code_point(session: Session, column: Any) -> Any:
    """Order text as SQLite does, whatever the locale of a PostgreSQL."""
    return column.collate("C") if session.connection().dialect.name == "postgresql" else column


def ratings_of(session: Session, users: Sequence[Any]) -> Rows:
    """Return the ratings of some users."""
    found = select_columns(session, RATINGS, RATED, names_and_types="id bigint", given=[[user.id for user in users]])
    return [
        {"user_id": users[n - 1].external_id, "item_id": item_id, "value": value, "rated_at": from_us(rated_at_us)}
        for n, item_id, value, rated_at_us in sorted(zip(*found, strict=True))
    ]


def export_items(session: Session, writer: Writer, progress: Progress) -> int:
    """Write every item that is not deleted, ordered by id; return their number."""
    standing = Item.deleted_at.is_(None)
    total = session.scalar(select(func.count()).select_from(Item).where(standing)) or 0
    named = (Item.title, Item.categories, Item.active, Item.attributes, Item.available_from, Item.available_until)
    query = (
        select(Item.external_id.label("item_id"), *named)
        .where(standing)
        .order_by(by_code_point(session, Item.external_id))
    )
    num_rows = 0
    for step in session.execute(query.execution_options(yield_per=ITEMS_A_STEP)).mappings().partitions():
        writer.write([dict(row) for row in step])
        num_rows += len(step)
        progress(num_rows, total)
    return num_rows
