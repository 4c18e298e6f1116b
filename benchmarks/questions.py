"""Questions to new users: five answers to the service's questions against five to popularity-ordered ones.

    python -m benchmarks.questions --ratings ml-latest-small --kind linear --kind hybrid

A fifth of the users are held out. Each begins without ratings and is asked about one item after another. If they have
rated it, their rating is the answer, and the next question goes by it; if not, they do not know it and are asked the
next best question, until they have given five answers or all candidates (the most popular items, the same for both
orders) are used up; the number of questions is reported. Then the model recommends by their answers.
Judged is NDCG@10 over all items, the targets being what they liked. Items that they answered about in either order
are neither targets nor in the list, in both: so both orders are judged on the same targets among the same items, and
none gains by asking about what would be a target. Differences are paired, with a 95 % interval.
"""

import argparse
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from app.recommendations.elicitation.service import MAX_CANDIDATES, MAX_COMPARED, UNMEASURED_ERROR
from app.recommendations.state.popularity import Popularity
from benchmarks.ratings import cut, read
from models.core.interactions import Indices, Interactions, Values
from models.core.model import Model
from models.evaluation.elicitation import expected_change, information, plausible_ratings
from models.fit import Fit, FitOptions
from models.inference.top_k import top_k

NUM_ANSWERS = 5
Row = tuple[Indices, Values]
Order = Callable[[Row], Indices]  # what to ask about, the best question first
NOBODY: Row = np.empty(0, np.int32), np.empty(0, np.float32)


@dataclass
class Telling:
    """The order of the service; what was asked once is remembered."""

    model: Model
    popularity: Popularity
    error: float
    _orders: dict[bytes, Indices] = field(default_factory=dict)

    def __call__(self, row: Row) -> Indices:
        """Order the candidates for a user who has given these answers."""
        key = row[0].tobytes() + row[1].tobytes()
        if key not in self._orders:
            self._orders[key] = self._order(row)
        return self._orders[key]

    def _order(self, row: Row) -> Indices:
        items, scores = self.popularity.slots.astype(np.int32), self.popularity.scores[:MAX_CANDIDATES]
        left = ~np.isin(items[:MAX_CANDIDATES], row[0])
        candidates = items[:MAX_CANDIDATES][left]
        ratings = plausible_ratings(self.model.rating_row(*row, candidates), self.error, self.model.scale)
        changes = expected_change(
            self.model, *row, candidates=candidates, ratings_CA=ratings, compared=items[:MAX_COMPARED]
        )
        return candidates[np.argsort(-information(changes, scores[left]), kind="stable")]


def popularity_of(train: Interactions) -> Popularity:
    """Order items as the service orders popular ones."""
    columns, num_items = train.rows.columns, train.num_items
    counts = np.bincount(columns, minlength=num_items).astype(np.float64)
    sums = np.bincount(columns, train.rows.values, num_items).astype(np.float64)
    return Popularity.of(np.arange(num_items), counts, sums, lowest=train.scale.minimum)


def by_popularity(popularity: Popularity) -> Order:
    """Order the same candidates by popularity."""
    order = popularity.slots[:MAX_CANDIDATES].astype(np.int32)
    return lambda _row: order


def interview(user: Row, order: Order) -> tuple[Row, int]:
    """Ask until there are five answers or no questions: what was answered, and how many were asked."""
    known, asked, row = dict(zip(*(each.tolist() for each in user), strict=True)), set[int](), NOBODY
    while len(row[0]) < NUM_ANSWERS:
        answered = next((item for item in ask(order(row), known, asked)), None)
        if answered is None:
            break
        columns = np.append(row[0], np.int32(answered))
        values, places = np.append(row[1], np.float32(known[answered])), np.argsort(columns)
        row = columns[places], values[places]
    return row, len(asked)


def ask(order: Indices, known: dict[int, float], asked: set[int]) -> list[int]:
    """Go down the order to the first item that the user knows; note what was asked."""
    for item in order.tolist():
        if item not in asked:
            asked.add(item)
            if item in known:
                return [item]
    return []


def ndcg(model: Model, row: Row, targets: NDArray[np.int32], excluded: NDArray[np.int32]) -> float:
    """Judge the first ten items of a list."""
    listed = top_k(model.preference_row(*row), 10, excluded)
    discount = 1 / np.log2(np.arange(10) + 2.0)
    return float(discount[: len(listed)] @ np.isin(listed, targets) / discount[: min(10, len(targets))].sum())


def users_of(data: Interactions) -> list[Row]:
    """Return every user's row."""
    rows = data.rows
    ends = list(zip(rows.offsets[:-1].tolist(), rows.offsets[1:].tolist(), strict=True))
    return [(rows.columns[a:b], rows.values[a:b]) for a, b in ends]


def compare(model: Model, test: Interactions, orders: tuple[Order, Order]) -> str:
    """Interview every held-out user twice and tell how it went."""
    figures = []
    for user in users_of(test):
        (popular, num_popular), (telling, num_telling) = (interview(user, order) for order in orders)
        excluded = np.union1d(popular[0], telling[0])
        targets = np.setdiff1d(user[0][user[1] >= test.scale.like_threshold], excluded)
        if len(targets):
            judged = [ndcg(model, row, targets, excluded) for row in (popular, telling)]
            figures.append([*judged, num_popular, num_telling, len(popular[0]), len(telling[0])])
    table = np.array(figures)
    gain = table[:, 1] - table[:, 0]
    half = 1.96 * gain.std(ddof=1) / len(gain) ** 0.5
    means = table.mean(axis=0)
    return (
        f"{len(gain)} users; NDCG@10 popular {means[0]:.4f}, telling {means[1]:.4f}, difference {gain.mean():+.4f} "
        f"({gain.mean() - half:+.4f} .. {gain.mean() + half:+.4f}); asked {means[2]:.1f} and {means[3]:.1f}, "
        f"answered {means[4]:.2f} and {means[5]:.2f}"
    )


def main() -> None:
    """Fit each kind to four fifths of the users and interview the others."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ratings", type=Path, required=True, help="a MovieLens or MovieTweetings folder")
    parser.add_argument("--kind", action="append", required=True, help="repeat it for several")
    parser.add_argument("--users", type=int, default=1_000, help="held out at most")
    parser.add_argument("--least", type=int, default=1, help="ratings of a user and of an item, to keep a set small")
    parser.add_argument("--epochs", type=int, default=30)
    args = parser.parse_args()
    data = cut(read(args.ratings), args.least)
    order = np.random.default_rng(0).permutation(data.num_users)
    num_test = min(args.users, len(order) // 5)
    test, validation, train = (
        data.take(np.sort(users)) for users in np.split(order, [num_test, num_test + len(order) // 10])
    )
    popularity = popularity_of(train)
    for kind in args.kind:
        fit = Fit(kind, train, validation, FitOptions(epochs=args.epochs, device="cpu"))
        for _ in fit:
            pass
        metrics = fit.best_report.metrics if fit.best_report else {}
        error = metrics.get("rmse") or UNMEASURED_ERROR * (data.scale.maximum - data.scale.minimum)
        telling = Telling(fit.best, popularity, error)
        print(
            f"{args.ratings.name}, {kind}: {compare(fit.best, test, (by_popularity(popularity), telling))}", flush=True
        )


if __name__ == "__main__":
    main()
