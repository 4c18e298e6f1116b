"""How the lines of an export are read, and where they are written."""

import gzip
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, TypeVar, cast

import httpx2
from pydantic import BaseModel, TypeAdapter, ValidationError

from palate_client.answers import ExportedItem, ExportedRating, Problem
from palate_client.errors import PalateClientError, Unreachable, problem_error
from palate_client.response import REQUEST_ID, describe, unexpected_answer
from palate_client.uploads import FilePath, Format, format_of

T = TypeVar("T", bound=BaseModel)
RATING, ITEM = TypeAdapter(ExportedRating), TypeAdapter(ExportedItem)
FAILED = b'{"error":'  # how the last line begins where an export went wrong on the way


class Failure(BaseModel):
    """The last line of an export that went wrong."""

    error: Problem


class ExportReader:
    """An export while it comes. Raised errors say that it is not complete."""

    def __init__(self, request: httpx2.Request) -> None:
        self._request = request
        self._rest = b""  # of the line that has not come whole yet
        self.has_begun = False

    def lines(self, data: bytes) -> list[bytes]:
        """Return the lines that are whole now."""
        self.has_begun = True
        *lines, self._rest = (self._rest + data).split(b"\n")
        if lines and lines[-1].startswith(FAILED):
            raise self._error_of(lines[-1])
        return lines

    def _error_of(self, line: bytes) -> PalateClientError:
        """Return the error that a last line reports."""
        return problem_error(Failure.model_validate_json(line).error, self._request.headers[REQUEST_ID], None)

    def end(self) -> None:
        """Note that nothing more comes.

        Raises:
            UnexpectedAnswer: if the last line is not whole.
        """
        if self._rest:
            raise unexpected_answer(self._request, "the last line is cut")

    def parse_row(self, adapter: TypeAdapter[T], line: bytes) -> T:
        """Return the row of a line."""
        try:
            return adapter.validate_json(line)
        except ValidationError as error:
            raise unexpected_answer(self._request, error) from error

    def interruption(self, error: httpx2.RequestError) -> Unreachable:
        """Return the error for a connection that broke after the first line."""
        message = f"{describe(self._request)}: the export broke off, start again: {error or type(error).__name__}"
        return Unreachable(message, self._request.headers[REQUEST_ID])


def target_format(target: FilePath | BinaryIO) -> Format:
    """Return the format to write: that of a file's name, else NDJSON.

    Raises:
        ValueError: if its name does not say.
    """
    return format_of(os.fspath(target)) if isinstance(target, str | os.PathLike) else "ndjson"


@contextmanager
def open_output(target: FilePath | BinaryIO) -> Iterator[BinaryIO]:
    """Write to an open file, or to one that has its name only when it is whole; `.gz` in its name: compressed."""
    if not isinstance(target, str | os.PathLike):
        yield target
        return
    whole = Path(target)
    part = whole.with_name(whole.name + ".part")
    try:
        with gzip.open(part, "wb") if whole.suffix == ".gz" else part.open("wb") as file:
            yield cast("BinaryIO", file)
        part.replace(whole)
    finally:
        part.unlink(missing_ok=True)
