# Generated from _async/bulk.py by `python -m scripts.client`; do not edit.
"""Imports and exports of any number of rows."""

import contextlib
from collections.abc import Generator, Iterator
from typing import Any, BinaryIO, TypeVar, Unpack

import httpx2
from pydantic import BaseModel, TypeAdapter

from palate_client import routes
from palate_client._sync.uploads import pieces
from palate_client.answers import ExportedItem, ExportedRating
from palate_client.base import BaseClient, new_id
from palate_client.call import Call
from palate_client.export_reader import ITEM, RATING, ExportReader, open_output, target_format
from palate_client.import_result import Imported, ImportLog
from palate_client.response import REQUEST_ID, error_of
from palate_client.retry import Outcome
from palate_client.routes import ImportOptions, Kind
from palate_client.uploads import FilePath, Format, ItemRows, RatingRows, Upload, upload_of
from palate_client.waiting import run_blocking, sleep

T = TypeVar("T", bound=BaseModel)


class Bulk(BaseClient[httpx2.Client]):
    """Any number of rows, never all of them in memory."""

    def import_ratings(
        self,
        source: FilePath | BinaryIO | RatingRows,
        *,
        format: Format | None = None,  # noqa: A002 - the parameter's name
        **options: Unpack[ImportOptions],
    ) -> Imported:
        """Import ratings. To import the same again changes nothing, so after an error simply do.

        Args:
            source: the name of a file, a file open in binary mode, or rows; `AsyncClient` also takes awaited ones.
            format: of a file whose name does not end in `.ndjson`, `.jsonl` or `.csv` (or those and `.gz`).
            options: what to say about the rows, such as ``user="ada"``: see `ImportOptions`.

        Raises:
            PalateClientError: if not all of it was read, nothing was taken, or more rows were refused than
                ``max_refused`` allows; `detail` says how many are stored.
        """
        call = routes.imports("ratings", **options)
        return self._import(call, upload_of(source, format))

    def import_items(
        self,
        source: FilePath | BinaryIO | ItemRows,
        *,
        format: Format | None = None,  # noqa: A002
        **options: Unpack[ImportOptions],
    ) -> Imported:
        """Import items. A field for which a row has no value stays as it is; see `import_ratings`."""
        return self._import(routes.imports("items", **options), upload_of(source, format))

    def export_ratings(self) -> Iterator[ExportedRating]:
        """Yield every rating, from one snapshot, in the order of the ids of users and items.

        Raises:
            PalateClientError: if it breaks off: what was yielded until then is not all.
        """
        return self._iter_rows(routes.exports("ratings"), RATING)

    def export_items(self) -> Iterator[ExportedItem]:
        """Yield every item, from one snapshot, in the order of the ids; see `export_ratings`."""
        return self._iter_rows(routes.exports("items"), ITEM)

    def export_to(
        self,
        kind: Kind,
        target: FilePath | BinaryIO,
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
        with open_output(target) as file:
            for reader, data in self._iter_chunks(call):
                reader.lines(data)
                run_blocking(file.write, data)

    def _import(self, call: Call[Any], upload: Upload) -> Imported:
        headers, num_tries = {**upload.headers, REQUEST_ID: new_id()}, 0
        while True:
            request, num_tries = self.stream_request(call, headers, pieces(upload)), num_tries + 1
            outcome = self._upload(request)
            if isinstance(outcome, Imported):
                return outcome
            pause_s = self.pause_s(call, num_tries, outcome) if upload.can_restart() else None
            if pause_s is None:
                raise error_of(request, outcome)
            sleep(pause_s)

    def _upload(self, request: httpx2.Request) -> Imported | Outcome:
        try:
            response = self.http.send(request, stream=True)
            with contextlib.closing(response):
                if not response.is_success:
                    response.read()
                    return response
                log = ImportLog()
                for data in response.iter_bytes():
                    log.write(data)
        except httpx2.RequestError as error:
            return error
        return Imported(log.read_result(request).counts, log)

    def _iter_rows(self, call: Call[Any], adapter: TypeAdapter[T]) -> Iterator[T]:
        with contextlib.closing(self._iter_chunks(call)) as chunks:
            for reader, data in chunks:
                for line in reader.lines(data):
                    yield reader.parse_row(adapter, line)

    def _iter_chunks(self, call: Call[Any]) -> Generator[tuple[ExportReader, bytes], None]:
        """Yield an export piece by piece; until the first one has come it is tried again."""
        headers, num_tries = {REQUEST_ID: new_id()}, 0
        while True:
            request, num_tries = self.stream_request(call, headers), num_tries + 1
            reader = ExportReader(request)
            try:
                response = self.http.send(request, stream=True)
                with contextlib.closing(response):
                    if response.is_success:
                        for data in response.iter_bytes():
                            yield reader, data
                        reader.end()
                        return
                    response.read()
                    outcome: Outcome = response
            except httpx2.RequestError as error:
                if reader.has_begun:
                    raise reader.interruption(error) from error
                outcome = error
            pause_s = self.pause_s(call, num_tries, outcome)
            if pause_s is None:
                raise error_of(request, outcome)
            sleep(pause_s)
