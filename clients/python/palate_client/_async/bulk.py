"""Imports and exports of any number of rows."""

import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from typing import Any, BinaryIO, TypeVar

import httpx2
from pydantic import BaseModel, TypeAdapter

from palate_client import exported, routes
from palate_client._async.uploads import async_pieces
from palate_client.answer import REQUEST_ID, failure
from palate_client.answers import ExportedItem, ExportedRating
from palate_client.base import Base, new_id
from palate_client.call import Call
from palate_client.exported import Reading, output, target_format
from palate_client.imported import Imported, Lines
from palate_client.retry import Outcome
from palate_client.routes import Kind
from palate_client.uploads import AsyncItemRows, AsyncRatingRows, Format, Place, Upload, upload_of
from palate_client.waiting import async_run, async_sleep

T = TypeVar("T", bound=BaseModel)


class AsyncBulk(Base[httpx2.AsyncClient]):
    """Any number of rows, never all of them in memory."""

    async def import_ratings(
        self,
        source: Place | BinaryIO | AsyncRatingRows,
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
        return await self._imported(call, upload_of(source, format))

    async def import_items(
        self,
        source: Place | BinaryIO | AsyncItemRows,
        *,
        format: Format | None = None,  # noqa: A002
        column: Mapping[str, str] | None = None,
    ) -> Imported:
        """Import items. A field for which a row has no value stays as it is; see `import_ratings`."""
        return await self._imported(routes.imports("items", column=column), upload_of(source, format))

    def export_ratings(self) -> AsyncIterator[ExportedRating]:
        """Yield every rating, from one snapshot, in the order of the ids of users and items.

        Raises:
            PalateClientError: if it breaks off: what was yielded until then is not all.
        """
        return self._rows(routes.exports("ratings"), exported.RATING)

    def export_items(self) -> AsyncIterator[ExportedItem]:
        """Yield every item, from one snapshot, in the order of the ids; see `export_ratings`."""
        return self._rows(routes.exports("items"), exported.ITEM)

    async def export_to(
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
            async for reading, data in self._chunks(call):
                reading.lines(data)
                await async_run(file.write, data)

    async def _imported(self, call: Call[Any], upload: Upload) -> Imported:
        headers, num_tries = {**upload.headers, REQUEST_ID: new_id()}, 0
        while True:
            request, num_tries = self.streamed(call, headers, async_pieces(upload)), num_tries + 1
            outcome = await self._upload(request)
            if isinstance(outcome, Imported):
                return outcome
            pause_s = self.pause_s(call, num_tries, outcome) if upload.can_start() else None
            if pause_s is None:
                raise failure(request, outcome)
            await async_sleep(pause_s)

    async def _upload(self, request: httpx2.Request) -> Imported | Outcome:
        try:
            response = await self.http.send(request, stream=True)
            async with contextlib.aclosing(response):
                if not response.is_success:
                    await response.aread()
                    return response
                lines = Lines()
                async for data in response.aiter_bytes():
                    lines.take(data)
        except httpx2.RequestError as error:
            return error
        return Imported(lines.done(request).counts, lines)

    async def _rows(self, call: Call[Any], adapter: TypeAdapter[T]) -> AsyncIterator[T]:
        async with contextlib.aclosing(self._chunks(call)) as chunks:
            async for reading, data in chunks:
                for line in reading.lines(data):
                    yield reading.row(adapter, line)

    async def _chunks(self, call: Call[Any]) -> AsyncGenerator[tuple[Reading, bytes], None]:
        """Yield an export piece by piece; until the first one has come it is tried again."""
        headers, num_tries = {REQUEST_ID: new_id()}, 0
        while True:
            request, num_tries = self.streamed(call, headers), num_tries + 1
            reading = Reading(request)
            try:
                response = await self.http.send(request, stream=True)
                async with contextlib.aclosing(response):
                    if response.is_success:
                        async for data in response.aiter_bytes():
                            yield reading, data
                        reading.end()
                        return
                    await response.aread()
                    outcome: Outcome = response
            except httpx2.RequestError as error:
                if reading.has_begun:
                    raise reading.broken(error) from error
                outcome = error
            pause_s = self.pause_s(call, num_tries, outcome)
            if pause_s is None:
                raise failure(request, outcome)
            await async_sleep(pause_s)
