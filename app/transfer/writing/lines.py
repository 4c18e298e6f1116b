"""Rows as lines: NDJSON or CSV."""

import re
from abc import ABC, abstractmethod
from collections.abc import Sequence
from datetime import datetime
from typing import IO, Any

import orjson

QUOTE = '"'
TO_QUOTE = re.compile(r'[",\r\n]').search
Rows = list[dict[str, Any]]


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

    def __init__(self, stream: IO[bytes], names: Sequence[str]) -> None:
        super().__init__(stream)
        self._names = names
        self.stream.write(csv_line(names))

    def write(self, rows: Rows) -> None:
        """Write some rows."""
        self.stream.write(b"".join(csv_line([csv_cell(row[name]) for name in self._names]) for row in rows))

    def close(self) -> None:
        """Send on what is buffered."""
        self.stream.flush()


def csv_line(cells: Sequence[str]) -> bytes:
    """Write a line; what needs quotes has them."""
    return (
        ",".join(f'"{cell.replace(QUOTE, 2 * QUOTE)}"' if TO_QUOTE(cell) else cell for cell in cells) + "\n"
    ).encode()


def csv_cell(value: Any) -> str:
    """Write a value: text as it is, nothing as nothing, a moment as RFC 3339, anything else as JSON."""
    if value is None or isinstance(value, str):
        return value or ""
    return dump_line(value).decode().strip().strip(QUOTE if isinstance(value, datetime) else "")
