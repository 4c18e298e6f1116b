"""Real ratings for benchmarks, from the folders in which they are published."""

from pathlib import Path

import numpy as np

from benchmarks.serving.world import movielens
from models.core.interactions import Interactions, RatingScale

STARS = RatingScale(minimum=0.5, maximum=5, step=0.5, like_threshold=4)
TEN = RatingScale(minimum=0, maximum=10, step=1, like_threshold=7)


def read(folder: Path) -> Interactions:
    """Read a folder of MovieLens (ratings.csv) or MovieTweetings (ratings.dat)."""
    if (folder / "ratings.csv").is_file():
        rated = movielens(folder)
        ids = [str(item) for item in range(rated.num_items)]
        return Interactions.from_arrays(rated.users, rated.items, rated.values, ids, scale=STARS)
    lines = (line.split("::")[:3] for line in (folder / "ratings.dat").read_text().splitlines())
    latest = {(user, item): float(value) for user, item, value in lines}
    users, items = (np.unique([pair[place] for pair in latest], return_inverse=True) for place in (0, 1))
    return Interactions.from_arrays(users[1], items[1], np.array([*latest.values()]), items[0].tolist(), scale=TEN)


def cut(data: Interactions, least: int) -> Interactions:
    """Keep items, then users, with so many ratings at least."""
    rows = data.rows
    counts = np.bincount(rows.columns, minlength=data.num_items)
    rows = rows.where(counts[rows.columns] >= least)
    rows = rows.take(np.flatnonzero(rows.counts >= least))
    kept, columns = np.unique(rows.columns, return_inverse=True)
    ids = [data.item_ids[column] for column in kept.tolist()]
    return Interactions.from_arrays(rows.row_of_entry, columns, rows.values, ids, scale=data.scale, num_users=len(rows))
