"""The files of a task: what a peer may see, and nothing of what it is judged on."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path

import numpy as np

from app.comparison.dataset import Dataset
from app.comparison.protocols import Split, hidden_ratings, unseen_users
from benchmarks.peers.catalogue import RATINGS, UNSEEN
from models.core.interactions import Interactions, Rows
from models.evaluation.ranking import holdout
from models.evaluation.split import hide_tenth
from models.fit import HOLDOUT_SEED


def write_unseen(folder: Path, dataset: Dataset, seed: int) -> Split:
    """Write training users, validation users with their targets, and what is given of the test users.

    Returns:
        The split with its targets, for the judge.
    """
    split = unseen_users(dataset, seed)
    given, targets = holdout(split.validation.rows, seed=HOLDOUT_SEED)
    named = {"train": split.train.rows, "validation-given": given, "validation-targets": targets}
    _write(folder, UNSEEN, dataset.interactions, {**named, "test-given": split.given})
    return split


def write_ratings(folder: Path, dataset: Dataset, seed: int) -> Split:
    """Write what is left of everybody's ratings, a tenth of it for validation, and which ones are hidden.

    Returns:
        The split with the hidden ratings, for the judge.
    """
    shown, hidden = hide_tenth(dataset.interactions, seed)
    train, validation = hide_tenth(shown, seed + 1)
    asked = Rows(hidden.offsets, hidden.columns, np.zeros_like(hidden.values))
    _write(folder, RATINGS, dataset.interactions, {"train": train.rows, "validation": validation, "test": asked})
    return hidden_ratings(dataset, seed)


WRITERS: Mapping[str, Callable[[Path, Dataset, int], Split]] = {UNSEEN: write_unseen, RATINGS: write_ratings}


def _write(folder: Path, protocol: str, data: Interactions, named: dict[str, Rows]) -> None:
    """Write `meta.json` and one npz file for each set of ratings."""
    folder.mkdir(parents=True, exist_ok=True)
    meta = {"protocol": protocol, "num_users": data.num_users, "num_items": data.num_items, "scale": asdict(data.scale)}
    (folder / "meta.json").write_text(json.dumps(meta, indent=1) + "\n", encoding="utf-8")
    for name, rows in named.items():
        np.savez(folder / f"{name}.npz", offsets=rows.offsets, columns=rows.columns, values=rows.values)
