"""PostgreSQL's binary COPY of number columns, both ways: inside the session's transaction, no Python object a row."""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.orm import Session
from sqlalchemy.util import await_only

Numbers = NDArray[Any]

HEADER = b"PGCOPY\n\xff\r\n\x00" + bytes(8)
END = b"\xff\xff"
CHUNK_ROWS = 4_096  # encoded at once
BLOCK_ROWS = 50_000  # decoded at once


def row_type(kinds: Sequence[str]) -> np.dtype[Any]:
    """Describe a row: the number of fields, then each field's length and bytes. `i` is an int8, `f` a float8."""
    fields = [("count", ">i2")]
    for place, kind in enumerate(kinds):
        fields += [(f"size{place}", ">i4"), (f"field{place}", f">{kind}8")]
    return np.dtype(fields)


def encode(columns: Sequence[Numbers]) -> bytes:
    """Encode columns of int64 or float64 (E,) as COPY reads rows."""
    rows = np.empty(len(columns[0]), row_type([column.dtype.kind for column in columns]))
    rows["count"] = len(columns)
    for place, column in enumerate(columns):
        rows[f"size{place}"] = 8
        rows[f"field{place}"] = column
    return rows.tobytes()


class Decoder:
    """Decodes what COPY writes, block by block; no field is null.

    Args:
        kinds: of the fields.
        dtypes: of the columns to make.
    """

    def __init__(self, kinds: Sequence[str], dtypes: Sequence[str]) -> None:
        self._row_type, self._dtypes = row_type(kinds), dtypes
        self._pending = bytearray()
        self._start = len(HEADER)
        self._blocks: list[list[Numbers]] = []

    async def take(self, data: bytes) -> None:
        """Take the next bytes."""
        self._pending += data
        if len(self._pending) > BLOCK_ROWS * self._row_type.itemsize:
            self._decode()

    def columns(self) -> list[Numbers]:
        """Return the columns, after the last bytes."""
        self._decode()
        return [np.concatenate(parts) for parts in zip(*self._blocks, strict=True)]

    def _decode(self) -> None:
        """Decode the whole rows; the end mark of the data is shorter than one."""
        num_rows = max(0, len(self._pending) - self._start) // self._row_type.itemsize
        end = self._start + num_rows * self._row_type.itemsize
        rows = np.frombuffer(self._pending[self._start : end], self._row_type)
        self._blocks.append([rows[f"field{place}"].astype(dtype) for place, dtype in enumerate(self._dtypes)])
        del self._pending[:end]
        self._start = 0


def copy_in(session: Session, table: str, columns: Mapping[str, Numbers]) -> None:
    """Append columns to a table, chunk by chunk: the next one is encoded while the server stores one."""

    async def data() -> AsyncIterator[bytes]:
        yield HEADER
        for start in range(0, len(next(iter(columns.values()))), CHUNK_ROWS):
            yield encode([column[start : start + CHUNK_ROWS] for column in columns.values()])
        yield END

    await_only(driver(session).copy_to_table(table, source=data(), columns=list(columns), format="binary"))


def copy_out(session: Session, query: str, kinds: Sequence[str], dtypes: Sequence[str] | None = None) -> list[Numbers]:
    """Fetch the columns of a query whose fields are never null, as these dtypes or as they are sent.

    Raises:
        ConnectionError: if the connection is lost.
    """
    import asyncpg  # here, since a process on SQLite imports this module too

    decoder = Decoder(kinds, dtypes or [f"{kind}8" for kind in kinds])
    try:
        await_only(driver(session).copy_from_query(query, output=decoder.take, format="binary"))
    except asyncpg.PostgresConnectionError as error:
        raise ConnectionError(str(error)) from error
    return decoder.columns()


def driver(session: Session) -> Any:
    """Return asyncpg's connection, its transaction begun."""
    connection = session.connection()
    connection.exec_driver_sql("SELECT 1")  # SQLAlchemy begins with the first statement it sees
    return connection.connection.driver_connection
