"""Rows as Parquet. Only who writes that loads PyArrow, a third of the time of a small export."""

from typing import IO

import pyarrow as pa
from pyarrow import parquet

from app.transfer.writing.lines import Rows, Writer, dump_line

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
