"""Small ratings to compare on."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from app.comparison.dataset import UNDATED, Dataset, Ids
from app.comparison.protocols import Split
from app.comparison.results import Results, Test
from models.core.interactions import Rows
from models.fit import FitOptions
from tests.models.helpers import STARS, tastes

OPTIONS = FitOptions(epochs=3, learning_rate=0.02, batch_size=32, device="cpu")


def dataset(num_users: int = 60, num_items: int = 16, dated: bool = True) -> Dataset:
    """Two camps of users, whose ratings are dated one second after the other in a random order."""
    data = tastes(num_users, num_items)
    num_ratings = data.rows.num_ratings
    seconds = np.random.default_rng(0).permutation(num_ratings) * 1_000_000 if dated else np.full(num_ratings, UNDATED)
    users = Ids([f"user {u}" for u in range(num_users)], data.rows.row_of_entry)
    items = Ids(data.item_ids, data.rows.columns.astype(np.int64))
    return Dataset.of("two camps", users=users, items=items, values=data.rows.values, times=seconds, scale=STARS)


def csv_of(data: Dataset) -> str:
    """Write ratings as a file that `palate import` takes."""
    interactions = data.interactions
    rows = zip(
        (data.user_ids[user] for user in interactions.rows.row_of_entry),
        (interactions.item_ids[item] for item in interactions.rows.columns),
        interactions.rows.values.tolist(),
        (data.rated_at_us // 1_000_000).tolist(),
        strict=True,
    )
    return "user_id,item_id,value,rated_at\n" + "".join(f"{u},{i},{v:g},{t}\n" for u, i, v, t in rows)


def results(
    rows: dict[str, dict[str, list[Any]]],
    protocol: str = "unseen",
    users: Sequence[Sequence[int]] = ((0, 1, 2),),
    num_ratings: Sequence[Sequence[int]] | None = None,
) -> Results:
    """Make results of figures: by row and metric, one entry a seed."""
    counts = num_ratings or [[1] * len(each) for each in users]
    tests = [
        Test(seed, np.array(each), [f"user {u}" for u in each], np.array(count), {})
        for seed, (each, count) in enumerate(zip(users, counts, strict=True))
    ]
    made = Results({}, 1 + max(user for each in users for user in each), {protocol: tests})
    for name, metrics in rows.items():
        made.rows[name] = {protocol: {m: [as_array(value) for value in seeds] for m, seeds in metrics.items()}}
    return made


def as_array(value: Any) -> Any:
    return np.array(value, np.float64) if isinstance(value, list) else value


def entries(rows: Rows) -> set[tuple[int, int]]:
    """List the (row, column) pairs of some rows."""
    return set(zip(rows.row_of_entry.tolist(), rows.columns.tolist(), strict=True))


def at(split: Split, rows: Rows) -> set[tuple[int, int]]:
    """List the (user, item) pairs of the rows of test users."""
    return {(int(split.users[row]), item) for row, item in entries(rows)}


def epochs(number: int) -> FitOptions:
    return replace(OPTIONS, epochs=number)
