"""New items before their first rating: `python -m benchmarks.cold --ratings FOLDER [--kind hybrid linear]`.

A tenth of the items is taken out of all training data. Users whom training never saw either are folded in with four
fifths of their ratings of the other items; found is to be what they like among the items taken out. Beside the scores
by attributes stand random order, popularity as far as it can be known of a new item (the mean popularity of those
it is like), and that which cannot be known, its own: from the ratings that were taken out. Then all items in one list,
and how often new and known items of the same score come to be liked.
Shape letters: B users, N new items, I known items.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from app.catalogue.schemas import ItemFields
from app.comparison.sources import read_file
from app.recommendations.content.cold_start import ColdItems, find_cold_items
from app.recommendations.content.features import ItemContent, Vocabulary
from app.settings import Settings
from app.transfer.cleaning.items import ItemCleaner
from app.transfer.options import Options
from app.transfer.reading.sources import find_sources
from models.core.interactions import Interactions, Rows, Values
from models.core.model import Model
from models.evaluation.ranking import holdout
from models.evaluation.split import draw_users
from models.fit import Fit, FitOptions

NEW_SHARE, SHARE_GIVEN = 0.1, 0.8
DEPTHS = (20, 100, 500)
EDGES = (-np.inf, 0, 0.25, 0.5, 0.75, 1, 1.5, 2, 3, np.inf)  # of scores, in standard deviations above the mean
Matrix = NDArray[np.floating]
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class World:
    """Ratings of the known items, and what was taken out.

    Attributes:
        known: all users' ratings of the known items.
        train, validation, test: users.
        new_ratings_BN: float32, the test users' ratings of the new items, NaN where there is none.
        num_ratings: float64 (N,), the training users' ratings of the new items.
        cold: the new items.
    """

    known: Interactions
    train: NDArray[np.int64]
    validation: NDArray[np.int64]
    test: NDArray[np.int64]
    new_ratings_BN: Values  # noqa: N815
    num_ratings: Matrix
    cold: ColdItems

    @classmethod
    def of(cls, data: Interactions, described: Mapping[str, ItemContent], seed: int) -> World:
        """Take items out; those that are like none stay, because nothing can be said of them."""
        generator = np.random.default_rng(seed)
        is_new = generator.random(data.num_items) < NEW_SHARE
        train, validation, test = draw_users(data.num_users, seed)
        items = [described.get(item_id, ItemContent(None, (), {})) for item_id in data.item_ids]
        features = Vocabulary.of(items).vectors(items)
        counts = np.bincount(data.rows.take(train).columns, minlength=data.num_items).astype(np.float64)
        new, known = np.flatnonzero(is_new), np.flatnonzero(~is_new)
        cold = find_cold_items(new, features[new], features[known], counts[known])
        ratings = dense(data.rows.take(test), data.num_items)[:, cold.slots]
        return cls(columns(data, known), train, validation, test, ratings, counts[cold.slots], cold)

    @property
    def liked_BN(self) -> Flags:  # noqa: N802
        """What the test users like among the new items."""
        return self.new_ratings_BN >= self.known.scale.like_threshold


def columns(data: Interactions, kept: NDArray[np.int64]) -> Interactions:
    """Keep some of the items."""
    place = np.full(data.num_items, -1)
    place[kept] = np.arange(len(kept))
    rows = data.rows.where(place[data.rows.columns] >= 0)
    rows = Rows(rows.offsets, place[rows.columns].astype(np.int32), rows.values)
    return Interactions(rows, [data.item_ids[item] for item in kept], data.scale)


def dense(rows: Rows, num_items: int) -> Values:
    """Write ratings out: float32 (B, I), NaN where there is none."""
    table = np.full((len(rows), num_items), np.nan, np.float32)
    table[rows.row_of_entry, rows.columns] = rows.values
    return table


def recalls(scores: Matrix, liked: Flags, depth: int) -> Matrix:
    """Recall of each user who likes something."""
    someone = liked.any(axis=1)
    shaken = np.random.default_rng(0).random(scores.shape) * 1e-9  # of equal scores none is preferred
    best = np.argsort(-(scores + shaken)[someone], axis=1)[:, :depth]
    found = np.take_along_axis(liked[someone], best, axis=1).sum(axis=1)
    shares: Matrix = found / np.minimum(depth, liked[someone].sum(axis=1))
    return shares


def format_mean(values: Matrix) -> str:
    """Write a mean with its standard error."""
    return f"{values.mean():.3f} ± {values.std(ddof=1) / len(values) ** 0.5:.3f}"


@dataclass(frozen=True)
class Measured:
    """What came out for one kind and seed.

    Attributes:
        among: recall at 20 of each user by method, new items ranked among themselves.
        in_full: recall of new items at each depth of the list of all items, placed as they are and at random.
        new_in_list: share of new items among each user's first 20.
        errors: of predicted ratings of new items: by attributes, and if the mean of all ratings is said.
        counts: int64 (2, edges - 1, 2), known and new items: how many of a score, and how many of them liked.
    """

    among: dict[str, Matrix]
    in_full: dict[tuple[str, int], Matrix]
    new_in_list: Matrix
    errors: tuple[Matrix, Matrix]
    counts: NDArray[np.int64]


def measured(kind: str, data: Interactions, described: Mapping[str, ItemContent], seed: int) -> Measured:
    """Fit a kind without the new items, and look for them."""
    world = World.of(data, described, seed)
    known = world.known
    fit = Fit(kind, known.take(world.train), known.take(world.validation), FitOptions(device="cpu", seed=seed))
    for _ in fit:
        pass
    given, hidden = holdout(known.rows.take(world.test), SHARE_GIVEN, seed)
    preference_BI = fit.best.preference(given)
    rated = np.split(given.columns, given.offsets[1:-1])
    new_BN = np.stack([world.cold.scores(*each) for each in zip(preference_BI, rated, strict=True)])
    preference_BI[given.row_of_entry, given.columns] = -np.inf
    return Measured(
        rank_methods(world, new_BN),
        *listed(world, preference_BI, new_BN),
        rating_errors(world, fit.best, given),
        by_score(world, preference_BI, new_BN, hidden),
    )


def rank_methods(world: World, new_BN: Values) -> dict[str, Matrix]:
    """Rank the new items among themselves, by every method."""
    popularity_I = np.log1p(np.bincount(world.known.rows.take(world.train).columns, minlength=world.known.num_items))
    methods: dict[str, Matrix] = {
        "random": np.random.default_rng(1).random(new_BN.shape),
        "mean popularity of what it is like": world.cold.scores(popularity_I.astype(np.float32))[None],
        "scores by attributes": new_BN,
        "its own popularity, which is not known": world.num_ratings[None],
    }
    return {name: recalls(np.broadcast_to(each, new_BN.shape), world.liked_BN, 20) for name, each in methods.items()}


def listed(world: World, preference_BI: Values, new_BN: Values) -> tuple[dict[tuple[str, int], Matrix], Matrix]:
    """Rank all items in one list, and look where the new ones are."""
    liked = np.hstack([np.zeros(preference_BI.shape, bool), world.liked_BN])
    is_new = np.arange(liked.shape[1]) >= preference_BI.shape[1]
    finite = np.where(np.isfinite(preference_BI), preference_BI, np.nan)
    anywhere = np.nanquantile(finite, np.random.default_rng(2).random(world.liked_BN.shape[1]), axis=1).T
    lists = {name: np.hstack([preference_BI, part]) for name, part in (("as scored", new_BN), ("anywhere", anywhere))}
    found = {(name, depth): recalls(each, liked, depth) for name, each in lists.items() for depth in DEPTHS}
    first = np.argsort(-lists["as scored"], axis=1)[:, :20]
    return found, is_new[first].mean(axis=1)


def rating_errors(world: World, model: Model, given: Rows) -> tuple[Matrix, Matrix]:
    """Compare predicted ratings of new items with those taken out: errors of both predictions."""
    by_attributes, by_mean = [], []
    everything, mean = np.arange(len(world.cold)), world.known.rows.take(world.train).values.mean()
    for user in range(len(given)):
        entries = slice(given.offsets[user], given.offsets[user + 1])
        ratings = world.new_ratings_BN[user]
        rated = np.isfinite(ratings)
        predicted = world.cold.ratings(model.fold_in(given.columns[entries], given.values[entries]), everything[rated])
        by_attributes.append(predicted - ratings[rated])
        by_mean.append(mean - ratings[rated])
    return np.concatenate(by_attributes), np.concatenate(by_mean)


def by_score(world: World, preference_BI: Values, new_BN: Values, hidden: Rows) -> NDArray[np.int64]:
    """Count how many items of a score are liked: (known, new) by score by (all, liked)."""
    is_open = np.isfinite(preference_BI)
    liked_BI = dense(hidden, world.known.num_items) >= world.known.scale.like_threshold
    filled = np.where(is_open, preference_BI, np.nan)
    middle, spread = np.nanmean(filled, axis=1)[:, None], np.nanstd(filled, axis=1)[:, None]
    known, new = ((preference_BI - middle) / spread)[is_open], ((new_BN - middle) / spread).ravel()
    sides = ((known, liked_BI[is_open]), (new, world.liked_BN.ravel()))
    return np.array(
        [np.stack([np.histogram(z, EDGES)[0], np.histogram(z[liked], EDGES)[0]], axis=1) for z, liked in sides]
    )


def show(kind: str, runs: Sequence[Measured]) -> None:
    """Print the tables of a kind."""
    console = Console(width=120)
    table = Table(kind, "recall@20 among the new items", title=f"{kind}: {len(runs[0].among['random'])} users a split")
    for name in runs[0].among:
        table.add_row(name, format_mean(np.concatenate([run.among[name] for run in runs])))
    console.print(table)
    table = Table("new items in the list of all items", *(f"recall@{depth}" for depth in DEPTHS))
    for name in ("anywhere", "as scored"):
        row = (format_mean(np.concatenate([run.in_full[name, depth] for run in runs])) for depth in DEPTHS)
        table.add_row(f"placed {name}", *row)
    console.print(table)
    share = np.concatenate([run.new_in_list for run in runs])
    errors = (np.concatenate([run.errors[side] for run in runs]) for side in (0, 1))
    rmse, of_mean = (float(np.sqrt(np.square(each).mean())) for each in errors)
    console.print(
        f"share of new items in the first 20: {format_mean(share)}; RMSE {rmse:.3f}, of the mean rating {of_mean:.3f}"
    )
    counts = sum(run.counts for run in runs)
    table = Table("score, standard deviations above the mean", "known items liked", "new items liked", "new items")
    for low, high, (known, new) in zip(EDGES, EDGES[1:], np.swapaxes(counts, 0, 1), strict=False):
        # A fifth of the ratings of known items is hidden, of new ones all are.
        table.add_row(f"{low} to {high}", rate(known, 1 / (1 - SHARE_GIVEN)), rate(new, 1), f"{new[0]:,}")
    console.print(table)


def rate(counted: NDArray[np.int64], factor: float) -> str:
    """Write a share of liked items."""
    return f"{factor * counted[1] / counted[0]:.2%}" if counted[0] else ""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.cold", description=__doc__)
    parser.add_argument("--ratings", type=Path, required=True, help="MovieLens or MovieTweetings folder")
    parser.add_argument("--scale", type=float, nargs=3, default=(0.5, 5, 0.5), metavar=("MIN", "MAX", "STEP"))
    parser.add_argument("--kind", nargs="+", default=["hybrid", "linear"])
    parser.add_argument("--seed", type=int, nargs="+", default=[0])
    arguments = parser.parse_args()
    low, high, step = arguments.scale
    settings = Settings(_env_file=None, rating_min=low, rating_max=high, rating_step=step)
    data = read_file(settings, arguments.ratings, Options(), Path("refused.ndjson")).interactions
    described = read_items(arguments.ratings)
    for kind in arguments.kind:
        show(kind, [measured(kind, data, described, seed) for seed in arguments.seed])


def read_items(path: Path) -> dict[str, ItemContent]:
    """Read what a file says of items, as `palate import` would."""
    found = {}
    for source in (each for each in find_sources(path, None, Options()) if each.kind == "items"):
        for _, cleaned in ItemCleaner(source).batches():
            for change in cleaned.changes:
                fields = ItemFields().model_dump() | dict(change.fields)
                found[change.item_id] = ItemContent(fields["title"], fields["categories"], fields["attributes"])
    return found


if __name__ == "__main__":
    main()
