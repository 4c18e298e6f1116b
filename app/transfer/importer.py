"""Import: read, clean and store batch by batch, each batch one short transaction."""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from contextlib import AbstractContextManager, aclosing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from itertools import count
from pathlib import Path
from time import monotonic
from types import TracebackType
from typing import IO, Any, Protocol, TypeVar

import orjson

from app.catalogue.repository import read_titles
from app.catalogue.service import Status, set_items
from app.database.engine import Database
from app.keep_out.service import NOTHING, OFF, KeepOut, KeptOutIds
from app.kit.errors import (
    DatabaseDamaged,
    DatabaseForbidden,
    DatabaseReadOnly,
    DatabaseSilent,
    DatabaseUnavailable,
    OutcomeUnknown,
    SchemaOutdated,
)
from app.kit.times import now_us
from app.ratings.bulk import ItemNumbers
from app.ratings.bulk_keep_out import set_allowed_columns
from app.ratings.scale import Scale
from app.transfer.cleaning.items import CleanedItems, ItemCleaner, refuse_kept_out
from app.transfer.cleaning.matching import Titles, match
from app.transfer.cleaning.ratings import Cleaned, RatingCleaner
from app.transfer.options import Options
from app.transfer.problems import RefusedRow, TransferProblem
from app.transfer.reading.tables import Source

RETRY_S = 1.0
ITEMS_A_TRANSACTION = 5_000
SHOWN_ROWS = 3  # of a dry run
NO_ROWS = "Nothing was taken: there are no rows."
UNRATED = "unrated"  # the status of a row that says that the user did not rate the item
T = TypeVar("T")
Progress = Callable[[Source, int, int], None]  # the file, bytes read so far, rows so far


@dataclass(frozen=True)
class Patience:
    """How long an import waits for a lost database, and what it does not wait for."""

    seconds: float
    hopeless: tuple[type[DatabaseUnavailable], ...] = ()


IN_VAIN = (DatabaseReadOnly, DatabaseForbidden, DatabaseDamaged)  # which no waiting mends
OF_COMMANDS = Patience(60, IN_VAIN)
OF_REQUESTS = Patience(5, (DatabaseSilent, *IN_VAIN))


@dataclass
class Summary:
    """What became of the rows of an import: a count each status, and the number refused."""

    ratings: Counter[str] = field(default_factory=Counter)
    items: Counter[str] = field(default_factory=Counter)

    def counts(self, kind: str) -> Counter[str]:
        """Return the counts of one kind of row."""
        return self.ratings if kind == "ratings" else self.items

    def problem(self, max_refused: float, *, is_dry_run: bool = False) -> str | None:
        """Describe why the import is no success, None if it is one."""
        if not self.items and not self.ratings:
            return NO_ROWS
        kinds = ("items", "ratings")
        found = (count_problem(kind, self.counts(kind), max_refused, is_dry_run=is_dry_run) for kind in kinds)
        return next(filter(None, found), None)


def count_problem(kind: str, counts: Counter[str], max_refused: float, *, is_dry_run: bool) -> str | None:
    """Describe why rows of a kind are no success: none was taken, or too many were refused."""
    num_refused, num_rows = counts["refused"], counts.total()
    if num_rows and num_rows == num_refused + counts[UNRATED]:
        return (
            f"Nothing was taken: of {num_rows:,} {kind}, {num_refused:,} are refused and {counts[UNRATED]:,} unrated."
        )
    if num_refused > max_refused * num_rows:
        share = f"more than --max-refused {max_refused:g} allows"
        others = "would be" if is_dry_run else "are"
        return f"{num_refused:,} of {num_rows:,} {kind} are refused, {share}; the others {others} taken."
    return None


class Refusals(Protocol):
    """Where refused rows go."""

    def write(self, rows: list[RefusedRow]) -> None:
        """Append rows."""


class RefusedFile(AbstractContextManager["RefusedFile"]):
    """The file of refused rows, one JSON object each; an earlier one is kept, and this one takes another name.

    Raises:
        TransferProblem: if it cannot be written.
    """

    def __init__(self, path: Path) -> None:
        self.path, self._stream = open_new(path)
        self._is_empty = True

    def write(self, rows: list[RefusedRow]) -> None:
        """Append rows."""
        for row in rows:
            self._is_empty = False
            self._stream.write(orjson.dumps(row.as_dict(), default=str, option=orjson.OPT_APPEND_NEWLINE))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the file, and remove it if it is empty."""
        self._stream.close()
        if self._is_empty:
            self.path.unlink()


def open_new(path: Path) -> tuple[Path, IO[bytes]]:
    """Create a file that is not there: of the given name, or with a number after it.

    Raises:
        TransferProblem: if that is not allowed.
    """
    for number in count(1):
        name = path if number == 1 else path.with_stem(f"{path.stem}-{number}")
        try:
            return name, name.open("xb")
        except FileExistsError:
            continue
        except OSError as error:
            reason = f"refused rows cannot be written to {path} ({error.strerror})"
            raise TransferProblem(f"{reason}: name another file with --refused FILE.", "refused") from None
    raise AssertionError


class Importer(Protocol):
    """Cleans the batches of a file and stores them."""

    def batches(self) -> Iterator[tuple[int, Any]]:
        """Return the batches: bytes read so far, and what is cleaned."""

    async def store(self, cleaned: Any) -> Counter[str]:
        """Store a batch and count what became of its rows."""


class RatingImporter:
    """Imports a file of ratings."""

    def __init__(
        self,
        database: Database,
        source: Source,
        scale: Scale,
        options: Options,
        *,
        keep_out: KeepOut,
        patience: Patience,
    ) -> None:
        self._database, self._cleaner = database, RatingCleaner(source, scale, options)
        self._patience = patience
        self._file, self._known = source.file, ItemNumbers()
        self._write = partial(set_allowed_columns, keep_out=keep_out)

    def batches(self) -> Iterator[tuple[int, Cleaned]]:
        """Clean the file's batches; see `RatingCleaner`."""
        return self._cleaner.batches()

    async def store(self, cleaned: Cleaned) -> Counter[str]:
        """Store a batch of ratings."""
        counts, kept_out = await write_patiently(
            self._database, self._patience, self._write, cleaned.ratings, self._known, now_us()
        )
        self._known.settle()
        cleaned.refuse_kept_out(self._file, kept_out)
        return Counter({str(status): number for status, number in counts.items()})


class ItemImporter:
    """Imports a file of items."""

    def __init__(self, database: Database, source: Source, *, keep_out: KeepOut, patience: Patience) -> None:
        self._database, self._file, self._keep_out = database, source.file, keep_out
        self._cleaner, self._patience = ItemCleaner(source), patience

    def batches(self) -> Iterator[tuple[int, CleanedItems]]:
        """Clean the file's batches."""
        return self._cleaner.batches()

    async def store(self, cleaned: CleanedItems) -> Counter[str]:
        """Store a batch of items."""
        counts = Counter[str]()
        for start in range(0, len(cleaned.changes), ITEMS_A_TRANSACTION):
            some = cleaned.changes[start : start + ITEMS_A_TRANSACTION]
            written = await write_patiently(
                self._database, self._patience, set_items, some, datetime.now(UTC), self._keep_out
            )
            counts.update(str(outcome.status) for outcome in written.outcomes)
            cleaned.refused.extend(
                refuse_kept_out(self._file, line, change)
                for outcome, change, line in zip(written.outcomes, some, cleaned.lines[start:], strict=False)
                if outcome.status is Status.REFUSED
            )
        del counts[Status.REFUSED]  # they are in `cleaned.refused`
        return counts


class DryRun:
    """Stores nothing: counts the rows that would be stored, and keeps the first ones."""

    def __init__(self, database: Database, file: str, batches: Iterator[tuple[int, Any]], keep_out: KeepOut) -> None:
        self._database, self._file, self._batches, self._keep_out = database, file, batches, keep_out
        self.rows: list[dict[str, Any]] = []

    def batches(self) -> Iterator[tuple[int, Any]]:
        """Return the batches."""
        return self._batches

    async def store(self, cleaned: Any) -> Counter[str]:
        """Count a batch, without what is kept out."""
        allowed = cleaned.without(self._file, await self._find(*cleaned.ids()))
        self.rows += allowed.rows(SHOWN_ROWS - len(self.rows))
        return Counter({"taken": allowed.num_taken})

    async def _find(self, users: Sequence[str], items: Sequence[str]) -> KeptOutIds:
        if self._keep_out.secret is None:
            return NOTHING
        try:
            return await self._database.scan(self._keep_out.find, users, items)
        except SchemaOutdated:  # or there is no table at all yet
            return NOTHING


def dry_run(database: Database, source: Source, scale: Scale, options: Options, *, keep_out: KeepOut) -> DryRun:
    """Return what reads a file as an import would."""
    cleaner = RatingCleaner(source, scale, options) if source.kind == "ratings" else ItemCleaner(source)
    return DryRun(database, source.file, cleaner.batches(), keep_out)


async def write_patiently(database: Database, patience: Patience, work: Callable[..., T], *args: Any) -> T:
    """Write, and wait for a lost database; what was stored already is not stored twice, as repeating is harmless.

    Raises:
        DatabaseUnavailable: if it stays away.
        OutcomeUnknown: the same, and one of the attempts may have stored it.
    """
    latest = monotonic() + patience.seconds
    unknown: OutcomeUnknown | None = None
    while True:
        try:
            return await database.write(work, *args)
        except DatabaseUnavailable as error:
            unknown = error if isinstance(error, OutcomeUnknown) else unknown
            if isinstance(error, patience.hopeless) or monotonic() > latest:
                if unknown is not None:
                    raise unknown from error
                raise
        await asyncio.sleep(RETRY_S)


async def import_sources(
    database: Database,
    sources: list[Source],
    *,
    scale: Scale,
    options: Options,
    summary: Summary,
    refused: Refusals,
    progress: Progress,
    keep_out: KeepOut = OFF,
) -> None:
    """Import files, one after the other, and count in the summary what becomes of their rows.

    Raises:
        TransferProblem: if a file cannot be read.
        DatabaseUnavailable: if the database stays away.
    """
    if options.match_titles:
        titles = Titles(await database.scan(read_titles))
        sources = [match(source, titles) for source in sources]
    for source in sources:
        importer = importer_of(database, source, scale, options, keep_out=keep_out)
        await import_source(importer, source, counts=summary.counts(source.kind), refused=refused, progress=progress)


def importer_of(
    database: Database,
    source: Source,
    scale: Scale,
    options: Options,
    *,
    keep_out: KeepOut,
    patience: Patience = OF_COMMANDS,
) -> Importer:
    """Return what imports a file."""
    if source.kind == "ratings":
        return RatingImporter(database, source, scale, options, keep_out=keep_out, patience=patience)
    return ItemImporter(database, source, keep_out=keep_out, patience=patience)


async def import_source(
    importer: Importer,
    source: Source,
    *,
    counts: Counter[str],
    refused: Refusals,
    progress: Progress,
    stop_reading: Callable[[], None] = lambda: None,
) -> None:
    """Import a file; the next batch is read while one is stored, and waited for unless reading can be stopped."""
    num_rows = 0
    progress(source, 0, 0)
    async with aclosing(read_ahead(importer.batches())) as steps:
        async for position, cleaned in steps:
            try:
                stored = await importer.store(cleaned)
            except DatabaseUnavailable:
                stop_reading()
                raise
            refused.write(cleaned.refused)
            counts += stored
            counts["refused"] += len(cleaned.refused)
            if cleaned.num_unrated:
                counts[UNRATED] += cleaned.num_unrated
            num_rows += stored.total() + len(cleaned.refused) + cleaned.num_unrated
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
        _ = reading.cancelled() or reading.exception()  # whoever ended early does not want it
