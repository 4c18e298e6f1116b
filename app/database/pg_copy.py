"""PostgreSQL's binary COPY of number columns, both ways: inside the session's transaction, no Python object a row."""

from collections.abc import AsyncIterator, Mapping, Sequence
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.orm import Session
from sqlalchemy.util import await_only

Column = NDArray[np.int64] | NDArray[np.float64] | NDArray[Any]

HEADER = b"PGCOPY\n\xff\r\n\x00" + bytes(8)
END = b"\xff\xff"
CHUNK_ROWS = 4_096


def row_type(kinds: Sequence[str]) -> np.dtype[Any]:
    """Describe a row: the number of fields, then each field's length and bytes. `i` is an int8, `f` a float8."""
    fields = [("count", ">i2")]
    for place, kind in enumerate(kinds):
        fields += [(f"size{place}", ">i4"), (f"field{place}", f">{kind}8")]
    return np.dtype(fields)


def encode(columns: Sequence[Column]) -> bytes:
    """Encode columns of int64 or float64 (E,) as COPY reads rows."""
    rows = np.empty(len(columns[0]), row_type([column.dtype.kind for column in columns]))
    rows["count"] = len(columns)
    for place, column in enumerate(columns):
        rows[f"size{place}"] = 8
        rows[f"field{place}"] = column
    return rows.tobytes()


def decode(data: bytes, kinds: Sequence[str]) -> list[Column]:
    """Decode what COPY wrote; no field is null."""
    rows = np.frombuffer(data[len(HEADER) : -len(END)], row_type(kinds))
    return [rows[f"field{place}"].astype(f"{kind}8") for place, kind in enumerate(kinds)]


def copy_in(session: Session, table: str, columns: Mapping[str, Column]) -> None:
    """Append columns to a table, chunk by chunk: the next one is encoded while the server stores one."""

    async def data() -> AsyncIterator[bytes]:
        yield HEADER
        for start in range(0, len(next(iter(columns.values()))), CHUNK_ROWS):
            yield encode([column[start : start + CHUNK_ROWS] for column in columns.values()])
        yield END

    await_only(driver(session).copy_to_table(table, source=data(), columns=list(columns), format="binary"))


def copy_out(session: Session, query: str, kinds: Sequence[str]) -> list[Column]:
    """Fetch the columns of a query whose fields are never null."""
    output = BytesIO()
    await_only(driver(session).copy_from_query(query, output=output, format="binary"))
    return decode(output.getvalue(), kinds)


def driver(session: Session) -> Any:
    """Return asyncpg's connection, its transaction begun."""
    connection = session.connection()
    connection.exec_driver_sql("SELECT 1")  # SQLAlchemy begins with the first statement it sees
    return connection.connection.driver_connection
