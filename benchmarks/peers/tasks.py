"""The files of a task: what a peer may see, and nothing of what it is judged on."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from models.evaluate import holdout
from models.fit import HOLDOUT_SEED
from models.interactions import Interactions, RatingScale, Rows
from models.split import split_users


@dataclass(frozen=True)
class Truth:
    """What the judge keeps: the users' given ratings, the targets, the scale."""

    given: Rows
    targets: Rows
    scale: RatingScale


def write_ranking(folder: Path, data: Interactions, seed: int) -> Truth:
    """Write training users, validation users with their targets, and what is given of the test users."""
    train, validation, test = split_users(data, seed)
    given, targets = holdout(validation.rows, seed=HOLDOUT_SEED)
    truth = Truth(*holdout(test.rows, seed=seed + 1), data.scale)
    named = {"train": train.rows, "validation-given": given, "validation-targets": targets, "test-given": truth.given}
    _write(folder, data, named)
    return truth


def _write(folder: Path, data: Interactions, named: dict[str, Rows]) -> None:
    """Write `meta.json` and one npz file for each set of ratings."""
    folder.mkdir(parents=True, exist_ok=True)
    meta = {"num_items": data.num_items, "scale": asdict(data.scale)}
    (folder / "meta.json").write_text(json.dumps(meta, indent=1) + "\n", encoding="utf-8")
    for name, rows in named.items():
        np.savez(folder / f"{name}.npz", offsets=rows.offsets, columns=rows.columns, values=rows.values)
