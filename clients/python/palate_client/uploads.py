"""What an import sends: a file or rows, piece by piece. Only a piece of it is in memory at a time."""

import asyncio
import io
import os
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import BinaryIO, Literal, cast

from pydantic import BaseModel
from pydantic_core import to_json

PIECE_BYTES = 64 * 1024
MEDIA_TYPES = {"ndjson": "application/x-ndjson", "csv": "text/csv"}
SUFFIXES = {".ndjson": "ndjson", ".jsonl": "ndjson", ".csv": "csv"}

Format = Literal["ndjson", "csv"]
Place = str | os.PathLike[str]
Row = Mapping[str, object] | BaseModel


class FileUpload:
    """A file: by its name, or open."""

    def __init__(self, source: Place | BinaryIO, form: str | None) -> None:
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

    def can_start(self) -> bool:
        """Tell whether it can be read from its beginning."""
        return self._can_start

    def pieces(self) -> Iterator[bytes]:
        """Read it."""
        with self._open() as file:
            while piece := file.read(PIECE_BYTES):
                yield piece

    async def awaited(self) -> AsyncIterator[bytes]:
        """Read it in a thread."""
        with self._open() as file:
            while piece := await asyncio.to_thread(file.read, PIECE_BYTES):
                yield piece

    def _open(self) -> AbstractContextManager[BinaryIO]:
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

    def can_start(self) -> bool:
        """Tell whether the rows can be given from the first one on: those of a generator only once."""
        return not (self._is_once and self._has_begun)

    def pieces(self) -> Iterator[bytes]:
        """Write them.

        Raises:
            TypeError: if they can only be awaited.
        """
        if isinstance(self._rows, AsyncIterable):
            raise TypeError("these rows can only be awaited: use AsyncClient")
        self._has_begun = True
        piece = bytearray()
        for row in self._rows:
            piece += line(row)
            if len(piece) >= PIECE_BYTES:
                yield bytes(piece)
                piece.clear()
        yield bytes(piece)

    async def awaited(self) -> AsyncIterator[bytes]:
        """Write them."""
        if not isinstance(self._rows, AsyncIterable):
            for each in self.pieces():
                yield each
            return
        self._has_begun = True
        piece = bytearray()
        async for row in self._rows:
            piece += line(row)
            if len(piece) >= PIECE_BYTES:
                yield bytes(piece)
                piece.clear()
        yield bytes(piece)


Upload = FileUpload | RowUpload


def upload_of(source: Place | BinaryIO | Iterable[Row] | AsyncIterable[Row], form: Format | None) -> Upload:
    """Make the body of an import from what a caller gives.

    Raises:
        ValueError: if a file's name does not tell its format.
    """
    if isinstance(source, str | os.PathLike):
        return FileUpload(source, form)
    return FileUpload(cast("BinaryIO", source), form) if hasattr(source, "read") else RowUpload(source)


def line(row: Row) -> bytes:
    """Write a row as a line."""
    return to_json(row) + b"\n"


def format_of(name: str) -> Format:
    """Tell the format of a file by its name; `.gz` after it is passed over.

    Raises:
        ValueError: if it does not.
    """
    suffix = os.path.splitext(name.removesuffix(".gz"))[1].lower()  # noqa: PTH122
    if suffix not in SUFFIXES:
        raise ValueError(f"{name!r} does not end in {', '.join(SUFFIXES)}: give format='ndjson' or format='csv'")
    return "csv" if SUFFIXES[suffix] == "csv" else "ndjson"
