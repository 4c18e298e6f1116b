"""Import: read, clean and store batch by batch, each batch one short transaction."""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import AbstractContextManager, aclosing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Protocol, TypeVar

import orjson

from app.catalogue.service import set_items
from app.database.engine import Database
from app.kit.errors import DatabaseUnavailable
from app.kit.times import now_us
from app.ratings.bulk import ItemNumbers, set_columns
from app.ratings.scale import Scale
from app.transfer.items import CleanedItems, clean_items
from app.transfer.problems import RefusedRow
from app.transfer.reading.clean import Cleaned, Rescale, clean_batches
from app.transfer.reading.readers import Source

PATIENCE_S = 60  # that an import waits for a lost database
ITEMS_A_TRANSACTION = 5_000
T = TypeVar("T")
Progress = Callable[[Source, int, int], None]  # the file, bytes read so far, rows so far


@dataclass
class Summary:
    """What became of the rows of an import: a count each status, and the number refused."""

    ratings: Counter[str] = field(default_factory=Counter)
    items: Counter[str] = field(default_factory=Counter)

    def counts(self, kind: str) -> Counter[str]:
        """Return the counts of one kind of row."""
        return self.ratings if kind == "ratings" else self.items


class Refusals(Protocol):
    """Where refused rows go."""

    def write(self, rows: list[RefusedRow]) -> None:
        """Append rows."""


class RefusedFile(AbstractContextManager["RefusedFile"]):
    """The file of refused rows, one JSON object each; it is only made if there is one."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._stream: IO[bytes] | None = None

    def write(self, rows: list[RefusedRow]) -> None:
        """Append rows."""
        if rows and self._stream is None:
            self._stream = self.path.open("wb")
        for row in rows:
            assert self._stream is not None  # noqa: S101 - for the type checker
            self._stream.write(orjson.dumps(row.as_dict(), default=str, option=orjson.OPT_APPEND_NEWLINE))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the file."""
        if self._stream is not None:
            self._stream.close()


class Importer(Protocol):
    """Cleans the batches of a file and stores them."""

    def batches(self) -> Iterator[tuple[int, Any]]:
        """Return the batches: bytes read so far, and what is cleaned."""

    async def store(self, cleaned: Any) -> Counter[str]:
        """Store a batch and count what became of its rows."""


class RatingImporter:
    """Imports a file of ratings."""

    def __init__(self, database: Database, source: Source, scale: Scale, rescale: Rescale | None) -> None:
        self._database, self._source, self._scale, self._rescale = database, source, scale, rescale
        self._known = ItemNumbers()

    def batches(self) -> Iterator[tuple[int, Cleaned]]:
        """Clean the file's batches; see `clean_batches`."""
        return clean_batches(self._source, self._scale, self._rescale)

    async def store(self, cleaned: Cleaned) -> Counter[str]:
        """Store a batch of ratings."""
        counts = await write_patiently(self._database, set_columns, cleaned.ratings, self._known, now_us())
        self._known.settle()
        return Counter({str(status): number for status, number in counts.items()})


class ItemImporter:
    """Imports a file of items."""

    def __init__(self, database: Database, source: Source) -> None:
        self._database, self._source = database, source

    def batches(self) -> Iterator[tuple[int, CleanedItems]]:
        """Clean the file's batches."""
        for batch in self._source.batches():
            yield batch.position, clean_items(batch, self._source.file, self._source.is_film_list)

    async def store(self, cleaned: CleanedItems) -> Counter[str]:
        """Store a batch of items."""
        counts = Counter[str]()
        changes = iter(cleaned.changes)
        while some := list(islice(changes, ITEMS_A_TRANSACTION)):
            written = await write_patiently(self._database, set_items, some, datetime.now(UTC))
            counts.update(str(outcome.status) for outcome in written.outcomes)
        return counts


async def write_patiently(database: Database, work: Callable[..., T], *args: Any) -> T:
    """Write, and wait for a lost database; what was stored already is not stored twice, as repeating is harmless."""
    for _ in range(PATIENCE_S):
        try:
            return await database.write(work, *args)
        except DatabaseUnavailable:
            await asyncio.sleep(1)
    return await database.write(work, *args)


async def import_sources(
    database: Database,
    sources: list[Source],
    *,
    scale: Scale,
    rescale: Rescale | None,
    refused: Refusals,
    progress: Progress,
) -> Summary:
    """Import files, one after the other.

    Raises:
        TransferProblem: if a file cannot be read.
        DatabaseUnavailable: if the database stays away.
    """
    summary = Summary()
    for source in sources:
        is_ratings = source.kind == "ratings"
        importer = RatingImporter(database, source, scale, rescale) if is_ratings else ItemImporter(database, source)
        await import_source(importer, source, counts=summary.counts(source.kind), refused=refused, progress=progress)
    return summary


async def import_source(
    importer: Importer, source: Source, *, counts: Counter[str], refused: Refusals, progress: Progress
) -> None:
    """Import a file; the next batch is read while one is stored."""
    num_rows = 0
    progress(source, 0, 0)
    async with aclosing(read_ahead(importer.batches())) as steps:
        async for position, cleaned in steps:
            stored = await importer.store(cleaned)
            refused.write(cleaned.refused)
            counts += stored
            counts["refused"] += len(cleaned.refused)
            num_rows += stored.total() + len(cleaned.refused)
            progress(source, position, num_rows)


async def read_ahead(batches: Iterator[T]) -> AsyncGenerator[T, None]:
    """Read the next batch in a thread while the caller stores one."""
    reading = asyncio.create_task(asyncio.to_thread(next, batches, None))
    try:
        while (batch := await reading) is not None:
            reading = asyncio.create_task(asyncio.to_thread(next, batches, None))
            yield batch
    finally:
        await asyncio.wait([reading])
