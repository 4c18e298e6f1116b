"""Run an import for a terminal: opens the database, shows progress, prints what became of the rows."""

import asyncio
import gc
from pathlib import Path

import orjson

from app.address import SqliteAddress, parse_address
from app.catalogue.repository import read_titles
from app.database import migrate
from app.database.engine import open_database
from app.keep_out.service import OFF, KeepOut
from app.ratings.scale import Scale
from app.settings import Settings
from app.transfer.cleaning.matching import Titles, match
from app.transfer.importer import DryRun, RefusedFile, Summary, dry_run, import_source, import_sources
from app.transfer.options import Options
from app.transfer.problems import RefusedRow
from app.transfer.reading.sources import find_sources
from app.transfer.reading.tables import Source
from app.transfer.run import Bars, bars, say

MAX_REFUSED_SHOWN = 3  # rows of a dry run


def import_path(
    settings: Settings,
    path: Path,
    *,
    options: Options | None = None,
    items: Path | None = None,
    refused: Path = Path("refused.ndjson"),
) -> Summary:
    """Import what a path holds and print what became of it.

    Raises:
        TransferProblem: if it cannot be read.
        DatabaseUnavailable: if the database stays away.
    """
    options = options or Options()
    sources, summary = find_sources(path, items, options), Summary()
    with RefusedFile(refused) as rejects:
        try:
            with bars() as progress:
                asyncio.run(
                    run_import(
                        settings, sources, options=options, summary=summary, refused=rejects, bars=Bars(progress)
                    )
                )
        finally:
            report(summary, sources, rejects.path)
    return summary


def dry_run_path(settings: Settings, path: Path, *, options: Options, items: Path | None = None) -> Summary:
    """Print what an import of a path would do; nothing is stored.

    Raises:
        TransferProblem: if it cannot be read.
    """
    sources, summary, refused = find_sources(path, items, options), Summary(), Refusals()
    for source in sources:
        run = asyncio.run(run_dry(settings, source, options=options, summary=summary, refused=refused))
        say(f"{source.file} holds {source.kind}: {', '.join(f'{ours} is {its}' for ours, its in source.used.items())}.")
        for row in run.rows:
            say(f"  {orjson.dumps(row, default=str).decode()}")
    for each in refused.first:
        say(f"refused, line {each.line}: {'; '.join(each.errors)}")
    report(summary, sources, None)
    say("Nothing is stored: this was a dry run.")
    return summary


async def run_dry(
    settings: Settings, source: Source, *, options: Options, summary: Summary, refused: "Refusals"
) -> DryRun:
    """Read a file as an import would; the database is only asked what is kept out, if anything is."""
    address = parse_address(settings.database_url)
    is_missing = isinstance(address, SqliteAddress) and not address.path.exists()  # to ask it would make the file
    keep_out = OFF if is_missing else KeepOut.of(settings)
    database = open_database(settings.database_url)
    try:
        if options.match_titles and not is_missing:
            source = match(source, Titles(await database.scan(read_titles)))
        run = dry_run(database, source, Scale.of(settings), options, keep_out=keep_out)
        counts = summary.counts(source.kind)
        await import_source(run, source, counts=counts, refused=refused, progress=lambda *_: None)
    finally:
        await database.close()
    return run


class Refusals:
    """The first refused rows."""

    def __init__(self) -> None:
        self.first: list[RefusedRow] = []

    def write(self, rows: list[RefusedRow]) -> None:
        """Keep rows."""
        self.first += rows[: MAX_REFUSED_SHOWN - len(self.first)]


async def run_import(
    settings: Settings,
    sources: list[Source],
    *,
    options: Options,
    summary: Summary,
    refused: RefusedFile,
    bars: "Bars",
) -> None:
    """Import files into the database of the settings, which is brought up to date first."""
    database = open_database(settings.database_url)
    gc.enable()
    try:
        await database.write(migrate.upgrade)
        await import_sources(
            database,
            sources,
            scale=Scale.of(settings),
            options=options,
            summary=summary,
            refused=refused,
            progress=bars.show_import,
            keep_out=KeepOut.of(settings),
        )
    finally:
        await database.close()


def report(summary: Summary, sources: list[Source], refused: Path | None) -> None:
    """Print what is to know about the files, and what became of the rows."""
    for note in dict.fromkeys(note for source in sources for note in source.notes):
        say(note)
    for kind, counts in (("items", summary.items), ("ratings", summary.ratings)):
        if counts:
            say(f"{kind}: " + ", ".join(f"{number:,} {status}" for status, number in counts.items() if number))
    if refused and summary.items["refused"] + summary.ratings["refused"]:
        say(f"Refused rows and their reasons: {refused}")
