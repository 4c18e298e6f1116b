"""An export over HTTP: a thread reads one snapshot and waits for the client that reads the lines."""

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from threading import Semaphore
from typing import IO, cast

import orjson

from app.database.engine import Database
from app.kit.errors import PalateError, UnexpectedError
from app.transfer.body import SILENCE_S
from app.transfer.exporter import export_items, export_ratings
from app.transfer.reading.fields import ITEM_FIELDS, RATING_FIELDS
from app.transfer.writing.lines import CsvWriter, NdjsonWriter
from app.web.problem import problem_body

CHUNK_BYTES = 64 * 1024
MAX_WAITING = 4  # chunks that were not read yet


class ReaderGone(Exception):
    """The client does not read any more."""


class Pipe:
    """What a thread writes and an event loop reads."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._chunks: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._places = Semaphore(MAX_WAITING)
        self._buffer = bytearray()
        self._is_closed = False

    def write(self, data: bytes) -> None:
        """Write, in the thread."""
        self._buffer += data
        if len(self._buffer) >= CHUNK_BYTES:
            self.flush()

    def flush(self) -> None:
        """Send on what is buffered.

        Raises:
            ReaderGone: if it is not read.
        """
        if not self._buffer:
            return
        if not self._places.acquire(timeout=SILENCE_S) or self._is_closed:
            raise ReaderGone()
        self._loop.call_soon_threadsafe(self._chunks.put_nowait, bytes(self._buffer))
        self._buffer.clear()

    def end(self, work: asyncio.Future[None]) -> None:
        """Note that nothing more comes; an error is retrieved, though it may not be read."""
        self._chunks.put_nowait(None)
        _ = work.cancelled() or work.exception()

    def close(self) -> None:
        """Note that the client does not read any more."""
        self._is_closed = True
        self._places.release()  # a thread that waits for a place finds out

    async def chunks(self) -> AsyncIterator[bytes]:
        """Return what is written."""
        while (chunk := await self._chunks.get()) is not None:
            self._places.release()
            yield chunk


async def stream_export(database: Database, kind: str, form: str) -> AsyncIterator[bytes]:
    """Return an export, chunk by chunk; after an error the last line of NDJSON says so.

    Raises:
        PalateError: if it cannot be read to the end.
    """
    pipe = Pipe()
    thread = ThreadPoolExecutor(1, thread_name_prefix="export")
    work = asyncio.get_running_loop().run_in_executor(thread, export_to, database, kind, form, pipe)
    work.add_done_callback(pipe.end)
    num_chunks = 0
    try:
        async for chunk in pipe.chunks():
            num_chunks += 1
            yield chunk
        if (error := work.exception()) and num_chunks and form == "ndjson":
            known = error if isinstance(error, PalateError) else UnexpectedError()
            yield orjson.dumps({"error": problem_body(known)}, option=orjson.OPT_APPEND_NEWLINE)
        work.result()
    finally:
        pipe.close()
        thread.shutdown(wait=False)


def export_to(database: Database, kind: str, form: str, pipe: Pipe) -> None:
    """Export, in a thread with an event loop of its own."""
    asyncio.run(scan_to(database, kind, form, cast("IO[bytes]", pipe)))


async def scan_to(database: Database, kind: str, form: str, stream: IO[bytes]) -> None:
    """Write one snapshot."""
    names, export = (RATING_FIELDS, export_ratings) if kind == "ratings" else (ITEM_FIELDS, export_items)
    writer = CsvWriter(stream, names) if form == "csv" else NdjsonWriter(stream)
    async with database.apart() as apart:
        await apart.scan(export, writer, lambda *_: None)
    writer.close()
