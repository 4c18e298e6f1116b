# Generated from _async/bulk.py by `python -m scripts.client`; do not edit.
"""Imports and exports of any number of rows."""

import contextlib
from collections.abc import Generator, Iterator, Mapping
from typing import Any, BinaryIO, TypeVar

import httpx2
from pydantic import BaseModel, TypeAdapter

from palate_client import exported, routes
from palate_client._sync.uploads import pieces
from palate_client.answer import REQUEST_ID, failure
from palate_client.answers import ExportedItem, ExportedRating
from palate_client.base import Base, new_id
from palate_client.call import Call
from palate_client.exported import Reading, output, target_format
from palate_client.imported import Imported, Lines
from palate_client.retry import Outcome
from palate_client.routes import Kind
from palate_client.uploads import Format, ItemRows, Place, RatingRows, Upload, upload_of
from palate_client.waiting import run, sleep

T = TypeVar("T", bound=BaseModel)


class Bulk(Base[httpx2.Client]):
    """Any number of rows, never all of them in memory."""

    def import_ratings(
        self,
        source: Place | BinaryIO | RatingRows,
        *,
        format: Format | None = None,  # noqa: A002 - the parameter's name
        column: Mapping[str, str] | None = None,
        rescale: tuple[float, float] | None = None,
    ) -> Imported:
        """Import ratings. To import the same again changes nothing, so after an error simply do.

        Args:
            source: the name of a file, a file open in binary mode, or rows; `AsyncClient` also takes awaited ones.
            format: of a file whose name does not end in `.ndjson`, `.jsonl` or `.csv` (or those and `.gz`).
            column: which of the file's columns is which field, such as ``{"user_id": "who"}``.
            rescale: least and largest value of the rows, stretched over the server's own scale.

        Raises:
            PalateClientError: if not all of it was read; `detail` says how many rows are stored.
        """
        call = routes.imports("ratings", column=column, rescale=rescale)
        return self._imported(call, upload_of(source, format))

    def import_items(
        self,
        source: Place | BinaryIO | ItemRows,
        *,
        format: Format | None = None,  # noqa: A002
        column: Mapping[str, str] | None = None,
    ) -> Imported:
        """Import items. A field for which a row has no value stays as it is; see `import_ratings`."""
        return self._imported(routes.imports("items", column=column), upload_of(source, format))

    def export_ratings(self) -> Iterator[ExportedRating]:
        """Yield every rating, from one snapshot, in the order of the ids of users and items.

        Raises:
            PalateClientError: if it breaks off: what was yielded until then is not all.
        """
        return self._rows(routes.exports("ratings"), exported.RATING)

    def export_items(self) -> Iterator[ExportedItem]:
        """Yield every item, from one snapshot, in the order of the ids; see `export_ratings`."""
        return self._rows(routes.exports("items"), exported.ITEM)

    def export_to(
        self,
        kind: Kind,
        target: Place | BinaryIO,
        *,
        format: Format | None = None,  # noqa: A002
    ) -> None:
        """Write every rating or item to a file, which `import_ratings` or `import_items` reads.

        Args:
            kind: `ratings` or `items`.
            target: the name of a file, which is replaced when the new one is whole, or a file open in binary mode.
            format: of a file whose name does not end in `.ndjson`, `.jsonl` or `.csv` (or those and `.gz`).

        Raises:
            PalateClientError: if it breaks off.
        """
        call = routes.exports(kind, format=format or target_format(target))
        with output(target) as file:
            for reading, data in self._chunks(call):
                reading.lines(data)
                run(file.write, data)

    def _imported(self, call: Call[Any], upload: Upload) -> Imported:
        headers, num_tries = {**upload.headers, REQUEST_ID: new_id()}, 0
        while True:
            request, num_tries = self.streamed(call, headers, pieces(upload)), num_tries + 1
            outcome = self._upload(request)
            if isinstance(outcome, Imported):
                return outcome
            pause_s = self.pause_s(call, num_tries, outcome) if upload.can_start() else None
            if pause_s is None:
                raise failure(request, outcome)
            sleep(pause_s)

    def _upload(self, request: httpx2.Request) -> Imported | Outcome:
        try:
            response = self.http.send(request, stream=True)
            with contextlib.closing(response):
                if not response.is_success:
                    response.read()
                    return response
                lines = Lines()
                for data in response.iter_bytes():
                    lines.take(data)
        except httpx2.RequestError as error:
            return error
        return Imported(lines.done(request).counts, lines)

    def _rows(self, call: Call[Any], adapter: TypeAdapter[T]) -> Iterator[T]:
        with contextlib.closing(self._chunks(call)) as chunks:
            for reading, data in chunks:
                for line in reading.lines(data):
                    yield reading.row(adapter, line)

    def _chunks(self, call: Call[Any]) -> Generator[tuple[Reading, bytes], None]:
        """Yield an export piece by piece; until the first one has come it is tried again."""
        headers, num_tries = {REQUEST_ID: new_id()}, 0
        while True:
            request, num_tries = self.streamed(call, headers), num_tries + 1
            reading = Reading(request)
            try:
                response = self.http.send(request, stream=True)
                with contextlib.closing(response):
                    if response.is_success:
                        for data in response.iter_bytes():
                            yield reading, data
                        reading.end()
                        return
                    response.read()
                    outcome: Outcome = response
            except httpx2.RequestError as error:
                if reading.has_begun:
                    raise reading.broken(error) from error
                outcome = error
            pause_s = self.pause_s(call, num_tries, outcome)
            if pause_s is None:
                raise failure(request, outcome)
            sleep(pause_s)
