"""Run an export for a terminal, with what shows the progress of an import, too.

An export does not load what reads files, and only one to Parquet loads what writes that.
"""

import asyncio
import gc
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import IO, TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from app.database.engine import open_database
from app.settings import Settings
from app.transfer.exporter import export_items, export_ratings
from app.transfer.problems import TransferProblem
from app.transfer.writing.lines import NdjsonWriter, Writer

if TYPE_CHECKING:
    from app.transfer.reading.tables import Source

console = Console(stderr=True)


def export_path(settings: Settings, kind: str, path: Path, form: str | None = None) -> int:
    """Export ratings or items to a path, `-` being standard output; return the number of rows."""
    form = form or ("parquet" if path.suffix == ".parquet" else "ndjson")
    with bars() as progress, open_output(path) as stream:
        num_rows = asyncio.run(run_export(settings, kind, stream, form=form, bars=Bars(progress)))
    console.print(f"{num_rows:,} {kind} exported.")
    return num_rows


def open_output(path: Path) -> AbstractContextManager[IO[bytes]]:
    """Open the file to write, or standard output."""
    return nullcontext(sys.stdout.buffer) if str(path) == "-" else whole_file(path)


@contextmanager
def whole_file(path: Path) -> Iterator[IO[bytes]]:
    """Write a file beside its place, and put it there when it is whole.

    Raises:
        TransferProblem: if it cannot be written.
    """
    if path.exists() and not path.is_file():  # such as /dev/null, or a pipe
        with path.open("wb") as stream:
            yield stream
        return
    beside = path.with_name(f".{path.name}.part")
    try:
        with beside.open("wb") as stream:
            yield stream
        beside.replace(path)
    except OSError as error:
        raise TransferProblem(f"{path} cannot be written: {(error.strerror or str(error)).lower()}.") from error
    finally:
        beside.unlink(missing_ok=True)


async def run_export(settings: Settings, kind: str, stream: IO[bytes], *, form: str, bars: "Bars") -> int:
    """Export from the database of the settings."""
    database = open_database(settings.database_url)
    gc.enable()
    export = export_ratings if kind == "ratings" else export_items
    writer = parquet_writer(stream, kind) if form == "parquet" else NdjsonWriter(stream)
    show: Callable[[int, int], None] = bars.show_export
    try:
        num_rows = await database.scan(export, writer, show)
        writer.close()
    finally:
        await database.close()
    return num_rows


def parquet_writer(stream: IO[bytes], kind: str) -> Writer:
    """Make what writes ratings or items as Parquet."""
    from app.transfer.writing.parquet import ITEM_SCHEMA, RATING_SCHEMA, ParquetWriter

    return ParquetWriter(stream, RATING_SCHEMA if kind == "ratings" else ITEM_SCHEMA)


def bars() -> Progress:
    """Make a progress display: what, how far, rows a second, time left."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TextColumn("{task.fields[rows]:,} rows"),
        TextColumn("{task.fields[rate]:,.0f} rows/s"),
        TimeRemainingColumn(),
        console=console,
    )


class Bars:
    """One bar a file."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._tasks: dict[str, TaskID] = {}

    def show_import(self, source: "Source", position: int, num_rows: int) -> None:
        """Show how far a file is read."""
        self._show(f"{source.kind} {Path(source.file).name}", position, source.num_bytes or None, num_rows)

    def show_export(self, num_rows: int, total: int) -> None:
        """Show how many rows are written."""
        self._show("rows", num_rows, total, num_rows)

    def _show(self, name: str, done: int, total: int | None, num_rows: int) -> None:
        if name not in self._tasks:
            self._tasks[name] = self._progress.add_task(name, total=total, rows=0, rate=0.0)
        task = self._tasks[name]
        elapsed = self._progress.tasks[task].elapsed or 0.0
        self._progress.update(task, completed=done, rows=num_rows, rate=num_rows / elapsed if elapsed else 0.0)


def say(line: str) -> None:
    """Print a line as it is, whatever brackets are in it."""
    console.print(line, markup=False, highlight=False, soft_wrap=True)
