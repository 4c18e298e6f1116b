"""Reads the public sets of ratings that the benchmarks run on."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from models.interactions import Interactions, RatingScale

NAMES = ("ratings.csv", "ratings.dat", "u.data")


def read_ratings(path: Path, scale: RatingScale) -> Interactions:
    """Read `user,item,rating,time` with a header, the same with `::` or with tabs; the latest rating counts."""
    if path.is_dir():
        path = next(path / name for name in NAMES if (path / name).exists())
    separator, skipped = {".csv": (",", 1), ".dat": ("::", 0)}.get(path.suffix, ("\t", 0))
    with path.open(encoding="utf-8") as file:
        lines = [line.rstrip("\n").split(separator) for line in file][skipped:]
    users, items, values, times = (np.array(column) for column in zip(*lines, strict=True))
    _, user = np.unique(users, return_inverse=True)
    item_ids, item = np.unique(items, return_inverse=True)
    newest = np.lexsort((times.astype(np.int64), item, user))
    is_last = np.append((np.diff(user[newest]) != 0) | (np.diff(item[newest]) != 0), True)
    kept = newest[is_last]
    return Interactions.from_arrays(user[kept], item[kept], values[kept].astype(float), item_ids.tolist(), scale)
