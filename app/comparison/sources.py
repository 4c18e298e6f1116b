"""The sources of the ratings: a file in any form that `palate import` takes, or the database."""

import asyncio
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.comparison.dataset import UNDATED, Dataset, Ids, Whole
from app.comparison.problems import ComparisonProblem
from app.database.engine import open_database
from app.ratings.bulk import RatingColumns
from app.ratings.bulk_repository import NO_TIME
from app.ratings.scale import Scale
from app.settings import Settings
from app.tables import Rating
from app.training.data.snapshot import load_interactions, rating_scale
from app.transfer.cleaning.ratings import RatingCleaner
from app.transfer.importer import RefusedFile
from app.transfer.options import Options, parse_options
from app.transfer.reading.sources import find_sources


def read(settings: Settings, path: Path | None, renames: list[str], *, rescale: str | None, refused: Path) -> Dataset:
    """Read the ratings of a path, or of the database if it is None; see `read_file` and `read_database`."""
    if path is None:
        return read_database(settings)
    return read_file(settings, path, parse_options(column=renames, rescale=rescale), refused)


def read_file(settings: Settings, path: Path, options: Options, refused: Path) -> Dataset:
    """Read a file, folder or zip as `palate import` would.

    Raises:
        TransferProblem: if it cannot be read.
        ComparisonProblem: if there is no rating in it.
    """
    sources = [source for source in find_sources(path, None, options) if source.kind == "ratings"]
    num_refused, batches = 0, []
    refused.parent.mkdir(parents=True, exist_ok=True)
    with RefusedFile(refused) as rejects:
        for source in sources:
            for _, cleaned in RatingCleaner(source, Scale.of(settings), options).batches():
                rejects.write(cleaned.refused)
                num_refused += len(cleaned.refused)
                batches.append(cleaned.ratings)
    if not sum(len(batch.values) for batch in batches):
        why = f"all {num_refused} rows were refused, see {refused}" if num_refused else "it names no ratings"
        raise ComparisonProblem(f"{path} holds no rating to compare on: {why}.")
    return replace(join_batches(path.name, batches, settings), num_refused=num_refused)


def join_batches(name: str, batches: list[RatingColumns], settings: Settings) -> Dataset:
    """Join the batches of files; of several ratings of a pair the last write counts."""
    users = join_ids((batch.user_ids, batch.users) for batch in batches)
    items = join_ids((batch.item_ids, batch.items) for batch in batches)
    values = np.concatenate([batch.values for batch in batches])
    times = np.concatenate([batch.rated_at_us for batch in batches])
    times = np.where(times == NO_TIME, UNDATED, times)
    kept = last_writes(users.places, items.places, values, times)
    users, items = Ids(users.distinct, users.places[kept]), Ids(items.distinct, items.places[kept])
    return Dataset.of(
        name, users=users, items=items, values=values[kept], times=times[kept], scale=rating_scale(settings)
    )


def join_ids(batches: Iterable[tuple[list[str], Whole]]) -> Ids:
    """Number the ids of several batches through."""
    numbers: dict[str, int] = {}
    places = []
    for ids, indices in batches:
        places.append(np.array([numbers.setdefault(each, len(numbers)) for each in ids], np.int64)[indices])
    return Ids(list(numbers), np.concatenate(places))


def last_writes(users: Whole, items: Whole, values: np.ndarray, times: Whole) -> Whole:
    """Select the current entry of each pair by the rule of `app.ratings.conflict`: int64, ascending.

    The latest date wins, no date counts as now, of equal dates the later row; repeating a value at its date
    changes nothing.
    """
    ordered = np.lexsort((np.arange(len(users)), values, times, items, users))
    writes = np.column_stack((users, items, times))[ordered]
    again = (np.diff(writes, axis=0) == 0).all(axis=1) & (np.diff(values[ordered]) == 0) & (writes[1:, 2] != UNDATED)
    first = np.sort(ordered[np.append(True, ~again)])
    ordered = first[np.lexsort((first, times[first], items[first], users[first]))]
    is_last = np.append((np.diff(users[ordered]) != 0) | (np.diff(items[ordered]) != 0), True)
    return np.sort(ordered[is_last])


def read_database(settings: Settings) -> Dataset:
    """Read the ratings that stand in the database, in one snapshot.

    Raises:
        ComparisonProblem: if there are none.
    """

    async def scan() -> Dataset:
        database = open_database(settings.database_url, 1)
        try:
            return await database.scan(load, settings)
        finally:
            await database.close()

    return asyncio.run(scan())


def load(session: Session, settings: Settings) -> Dataset:
    """Read ratings and their dates."""
    snapshot = load_interactions(session, settings)
    data = snapshot.interactions
    if not data.rows.num_ratings:
        raise ComparisonProblem("The database holds no ratings: import some, or name a file with --ratings.")
    in_order = select(Rating.rated_at_us).where(Rating.value.is_not(None)).order_by(Rating.user_id, Rating.item_id)
    times = np.fromiter(session.scalars(in_order.execution_options(yield_per=50_000)), np.int64, data.rows.num_ratings)
    users, items = Ids(snapshot.user_ids, data.rows.row_of_entry), Ids(data.item_ids, data.rows.columns.astype(int))
    return Dataset.of("the database", users=users, items=items, values=data.rows.values, times=times, scale=data.scale)
