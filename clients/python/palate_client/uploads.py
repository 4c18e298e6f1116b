"""What an import sends: a file or rows."""

import io
import os
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import BinaryIO, Literal, cast

from pydantic import BaseModel
from pydantic_core import to_json

from palate_client.answers import ExportedItem, ExportedRating
from palate_client.inputs import ItemIn, RatingIn

PIECE_BYTES = 64 * 1024
MEDIA_TYPES = {"ndjson": "application/x-ndjson", "csv": "text/csv"}
SUFFIXES = {".ndjson": "ndjson", ".jsonl": "ndjson", ".csv": "csv"}

Format = Literal["ndjson", "csv"]
FilePath = str | os.PathLike[str]
Row = Mapping[str, object] | BaseModel
RatingRows = Iterable[RatingIn | ExportedRating]
ItemRows = Iterable[ItemIn | ExportedItem]
AsyncRatingRows = RatingRows | AsyncIterable[RatingIn | ExportedRating]
AsyncItemRows = ItemRows | AsyncIterable[ItemIn | ExportedItem]


class FileUpload:
    """A file: by its name, or open."""

    def __init__(self, source: FilePath | BinaryIO, form: str | None) -> None:
        if isinstance(source, io.TextIOBase):
            raise TypeError("open the file in binary mode: open(path, 'rb')")
        self._source = source
        self._position: int | None = None  # where an open file begins; None: it cannot be read again
        if isinstance(source, str | os.PathLike):
            name = os.fspath(source)
        else:
            name = str(getattr(source, "name", ""))
            self._position = source.tell() if source.seekable() else None
        self._can_start = True
        self.headers = {"Content-Type": MEDIA_TYPES[form or format_of(name)]}
        if name.endswith(".gz"):
            self.headers["Content-Encoding"] = "gzip"

    def can_restart(self) -> bool:
        """Return whether it can be read from its beginning."""
        return self._can_start

    def open(self) -> AbstractContextManager[BinaryIO]:
        """Open it, or go back to where it began."""
        if isinstance(self._source, str | os.PathLike):
            return open(self._source, "rb")  # noqa: PTH123 - a path of either kind
        if self._position is None:
            self._can_start = False
        else:
            self._source.seek(self._position)
        return nullcontext(self._source)


class RowUpload:
    """Rows, written as NDJSON."""

    def __init__(self, rows: Iterable[Row] | AsyncIterable[Row]) -> None:
        if isinstance(rows, Mapping | BaseModel | bytes):
            raise TypeError("give several rows, or the name of a file")
        self.headers = {"Content-Type": MEDIA_TYPES["ndjson"]}
        self._rows = rows
        self._is_once = isinstance(rows, Iterator | AsyncIterator)
        self._has_begun = False

    def can_restart(self) -> bool:
        """Return whether the rows can be read from the first one on: those of a generator only once."""
        return not (self._is_once and self._has_begun)

    def begin(self) -> Iterable[Row] | AsyncIterable[Row]:
        """Return the rows, from the first one on where `can_restart` says so."""
        self._has_begun = True
        return self._rows


Upload = FileUpload | RowUpload


def upload_of(source: FilePath | BinaryIO | Iterable[Row] | AsyncIterable[Row], form: Format | None) -> Upload:
    """Return the body of an import.

    Raises:
        ValueError: if a file's name does not say its format.
    """
    if isinstance(source, str | os.PathLike):
        return FileUpload(source, form)
    return FileUpload(cast("BinaryIO", source), form) if hasattr(source, "read") else RowUpload(source)


def to_line(row: Row) -> bytes:
    """Return a row as a line of NDJSON."""
    return to_json(row) + b"\n"


def format_of(name: str) -> Format:
    """Return the format of a file by its name; `.gz` after it is passed over.

    Raises:
        ValueError: if it does not.
    """
    suffix = os.path.splitext(name.removesuffix(".gz"))[1].lower()  # noqa: PTH122
    if suffix not in SUFFIXES:
        raise ValueError(f"{name!r} does not end in {', '.join(SUFFIXES)}: give format='ndjson' or format='csv'")
    return "csv" if SUFFIXES[suffix] == "csv" else "ndjson"
