"""What `linear` costs after ten users changed: `python -m benchmarks.update --ratings FOLDER_OR_FILE`.

Three fits in CPU seconds: cold, which chooses its hyper-parameters; with those given, counted from scratch; and the
update of the Gram matrix that was kept. Then the largest difference between the last two, in every output.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from app.comparison.sources import read_file
from app.settings import Settings
from app.transfer.options import Options
from benchmarks.synthetic import Synthetic
from models.closed_form.encoding import Encoding
from models.closed_form.gram import Gram, GramSource, PackedGram
from models.core.interactions import Interactions, Offsets, Rows
from models.evaluation.split import split_users
from models.fit import Fit, FitOptions
from models.kinds.registry import KINDS

NUM_CHANGED = 10


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.update", description=__doc__)
    parser.add_argument("--ratings", type=Path, help="MovieLens or MovieTweetings folder, or its file")
    parser.add_argument("--made-up", type=int, nargs=3, metavar=("USERS", "ITEMS", "RATINGS"), help="instead of a file")
    parser.add_argument("--scale", type=float, nargs=3, default=(1, 5, 1), metavar=("MIN", "MAX", "STEP"))
    arguments = parser.parse_args()
    if arguments.made_up:
        users, items, ratings = arguments.made_up
        report(Synthetic(users=users, items=items, ratings=ratings).interactions())
        return
    low, high, step = arguments.scale
    settings = Settings(_env_file=None, rating_min=low, rating_max=high, rating_step=step)
    report(read_file(settings, arguments.ratings, Options(), Path("refused.ndjson")).interactions)


def report(data: Interactions) -> None:
    """Measure one set of ratings."""
    train, validation, _ = split_users(data, seed=0, test_share=0.05)
    before, cold_s = fitted(train, validation, {}, Gram.count)
    changed = np.sort(np.random.default_rng(0).choice(train.num_users, NUM_CHANGED, replace=False))
    after = edited(train, changed)
    config = {name: getattr(before.best.config, name) for name in KINDS["linear"].fitter.chooses}
    counted, counted_s = fitted(after, validation, config, Gram.count)
    encoding = Encoding(train.scale, train.num_items, config["graded"])
    updated, updated_s = fitted(after, validation, config, source(train, encoding, changed))
    table = Table("fit", "CPU seconds", title=f"{train.num_users:,} users, {train.rows.num_ratings:,} ratings")
    is_update = "updated_users" in updated.reports[0].metrics
    for name, seconds in (
        ("cold", cold_s),
        ("hyper-parameters given", counted_s),
        (f"update of {NUM_CHANGED} users" if is_update else "update: none, the users' side is solved", updated_s),
    ):
        table.add_row(name, f"{seconds:.2f}")
    Console().print(table, f"largest difference: {difference(counted, updated, validation.rows):.1e}")


def fitted(
    train: Interactions, validation: Interactions, config: dict[str, Any], gram: GramSource
) -> tuple[Fit, float]:
    """Run a fit; tell its CPU seconds."""
    started = time.process_time()
    fit = Fit("linear", train, validation, FitOptions(), config=config, gram=gram)
    next(iter(fit))
    return fit, time.process_time() - started


def edited(train: Interactions, users: Offsets) -> Interactions:
    """Turn every rating of some users over: the highest becomes the lowest."""
    rows, scale = train.rows, train.scale
    values = np.where(np.isin(rows.row_of_entry, users), scale.minimum + scale.maximum - rows.values, rows.values)
    return Interactions(Rows(rows.offsets, rows.columns, values.astype(np.float32)), train.item_ids, scale)


def source(before: Interactions, encoding: Encoding, changed: Offsets) -> GramSource:
    """Keep the matrix of the users before, and give what brings it up to date."""
    kept: list[PackedGram] = []
    if np.count_nonzero(before.rows.counts > 1) > 2 * before.num_items:  # else it may not be asked for
        kept.append(PackedGram.of(Gram.count(before, encoding, lambda: None)))

    def give(train: Interactions, encoding: Encoding, check_cancelled: Any) -> Gram:
        if not kept:
            return Gram.count(train, encoding, check_cancelled)
        gram = kept[0].update(np.arange(train.num_items), before.rows.take(changed), train, changed)
        if not gram.matches(train):
            raise ValueError("the update went wrong")
        return gram

    return give


def difference(one: Fit, other: Fit, rows: Rows) -> float:
    """Compare preferences and ratings of some users."""
    outputs = [(fit.best.preference(rows), fit.best.rating(rows)) for fit in (one, other)]
    return max(float(np.abs(mine - theirs).max()) for mine, theirs in zip(*outputs, strict=True))


if __name__ == "__main__":
    main()
