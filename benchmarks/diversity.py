"""What diversity costs: `python -m benchmarks.diversity --ratings FOLDER_OR_FILE`.

A model of `--kind` answers users whom it has not seen, of whose ratings it is given four fifths. For each share of
diversity: NDCG@10 of the lists on the last fifth, and the mean distance of two items of a list (1 - cosine of the
model's item vectors).
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from app.comparison.sources import read_file
from app.recommendations.ranking.diversity import POOL
from app.settings import Settings
from app.transfer.options import Options
from models.core.interactions import Interactions, Rows, Values
from models.core.model import Model
from models.evaluation.ranking import evaluate, holdout
from models.evaluation.split import split_users
from models.fit import Fit, FitOptions
from models.inference.mmr import mmr
from models.inference.top_k import top_k
from models.kinds.registry import KINDS

LIST = 10
SHARES = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.diversity", description=__doc__)
    parser.add_argument("--ratings", type=Path, required=True, help="MovieLens or MovieTweetings folder, or its file")
    parser.add_argument("--scale", type=float, nargs=3, default=(0.5, 5, 0.5), metavar=("MIN", "MAX", "STEP"))
    parser.add_argument("--kind", choices=KINDS, default="hybrid")
    parser.add_argument("--seeds", type=int, default=3, help="splits of the users to take the mean of")
    arguments = parser.parse_args()
    low, high, step = arguments.scale
    settings = Settings(_env_file=None, rating_min=low, rating_max=high, rating_step=step)
    data = read_file(settings, arguments.ratings, Options(), Path("refused.ndjson")).interactions
    figures = np.mean([list(measured(data, arguments.kind, seed)) for seed in range(arguments.seeds)], axis=0)
    table = Table(
        "diversity",
        "NDCG@10",
        "of that at 0",
        "intra-list distance",
        title=f"{arguments.kind}, {arguments.seeds} splits",
    )
    for share, (ndcg, distance) in zip(SHARES, figures.tolist(), strict=True):
        table.add_row(f"{share:.1f}", f"{ndcg:.4f}", f"{ndcg / figures[0][0]:.1%}", f"{distance:.4f}")
    Console().print(table)


def measured(data: Interactions, kind: str, seed: int) -> Iterator[tuple[float, float]]:
    """Fit a model and give NDCG@10 and distance at each share."""
    train, validation, test = split_users(data, seed)
    fit = Fit(kind, train, validation, FitOptions(device="cpu", seed=seed))
    for _ in fit:
        pass
    given, targets = holdout(test.rows, seed=seed)
    lists = Lists(fit.best)
    for share in SHARES:
        lists.turn(share)
        ndcg = evaluate(lists, given, targets, data.scale).mean("ndcg@10")
        yield ndcg, float(np.mean(lists.distances))


class Lists:
    """Scores users so that the best items come in the order in which they are recommended."""

    def __init__(self, model: Model) -> None:
        self._model, self._vectors = model, model.item_vectors()
        self.turn(0.0)

    def turn(self, diversity: float) -> None:
        """Set the share of diversity."""
        self._diversity, self.distances = diversity, list[float]()

    def __call__(self, rows: Rows) -> Values:
        """Score all items: float32 (B, I)."""
        scores_BI = self._model.preference(rows)
        for row, scores in enumerate(scores_BI):
            start, end = rows.offsets[row : row + 2]
            pool = top_k(scores, POOL, rows.columns[start:end])
            ranks = self._ranked(scores[pool].astype(np.float64), pool)
            self.distances.append(list_distance(self._vectors[pool[ranks[:LIST]]]))
            top = np.arange(len(pool), 0, -1, dtype=np.float32)
            scores[:] = (scores - scores.max()) / max(1.0, float(np.ptp(scores)))  # 0 at most
            scores[pool[ranks]] = top
        return scores_BI

    def _ranked(self, scores: NDArray[np.float64], pool: NDArray[np.int32]) -> NDArray[np.int64]:
        """Order the pool; what comes behind the list does not count."""
        head = mmr(scores, self._vectors[pool], self._diversity, LIST)
        return np.concatenate((head, np.setdiff1d(np.arange(len(pool)), head)))


def list_distance(vectors: Values) -> float:
    """Return the mean distance of two items of a list, 1 minus their cosine: ``vectors`` float32 (K, D), K above 1."""
    num_items = len(vectors)
    total = float((vectors @ vectors.T).sum() - (vectors * vectors).sum())
    return 1 - total / (num_items * (num_items - 1))


if __name__ == "__main__":
    main()
