"""Recommendations as the rows of a table: one row an item."""

from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

import pyarrow as pa
from pyarrow import csv

from app.kit.errors import FieldProblem, InvalidRequest
from app.transfer.writing.lines import NdjsonWriter, Rows, Writer
from app.transfer.writing.parquet import ParquetWriter

SCHEMA = pa.schema(
    {
        "user_id": pa.string(),
        "rank": pa.int32(),
        "item_id": pa.string(),
        "score": pa.float64(),
        "predicted_rating": pa.float64(),
        "source": pa.string(),
        "model_version": pa.string(),
        "recommendation_id": pa.string(),
    }
)


def rows_of(answer: dict[str, Any]) -> Rows:
    """Return the rows of one answer."""
    return [
        {
            "user_id": answer["user_id"],
            "rank": rank,
            "item_id": item["item_id"],
            "score": item["score"],
            "predicted_rating": item["predicted_rating"],
            "source": item["source"],
            "model_version": answer["model_version"],
            "recommendation_id": answer["recommendation_id"],
        }
        for rank, item in enumerate(answer["items"], 1)
    ]


class CsvWriter(Writer):
    """Comma-separated, with a header line; unknown values are empty."""

    def __init__(self, stream: IO[bytes]) -> None:
        super().__init__(stream)
        self._file = csv.CSVWriter(stream, SCHEMA)

    def write(self, rows: Rows) -> None:
        """Write some rows."""
        self._file.write_table(pa.Table.from_pylist(rows, SCHEMA))

    def close(self) -> None:
        """Finish the file."""
        self._file.close()


WRITERS: dict[str, Callable[[IO[bytes]], Writer]] = {
    ".parquet": lambda stream: ParquetWriter(stream, SCHEMA),
    ".ndjson": NdjsonWriter,
    ".csv": CsvWriter,
}


def writer_for(path: Path) -> Callable[[IO[bytes]], Writer]:
    """Return the writer for a file's name; `-` is NDJSON.

    Raises:
        InvalidRequest: if the ending is unknown.
    """
    if (make := WRITERS.get(".ndjson" if str(path) == "-" else path.suffix)) is None:
        detail = f"{path} ends in none of {', '.join(WRITERS)}: name the file so"
        raise InvalidRequest(f"--output {detail}.", [FieldProblem("output", detail)])
    return make
