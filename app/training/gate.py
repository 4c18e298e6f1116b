"""The gate: a candidate that is clearly worse than the live model on the same held-out users is not activated."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from math import isfinite
from typing import Any

import numpy as np

from models.base import Model
from models.evaluate import (
    LOWEST,
    Difference,
    Evaluation,
    Popularity,
    Scorer,
    evaluate,
    holdout,
    paired_difference,
    rating_error,
)
from models.interactions import Interactions, Rows, Values

MIN_USERS = 20  # below this the figures say nothing
TOP, LIST = "ndcg@10", "ndcg@100"


@dataclass(frozen=True)
class Figures:
    """What the gate decides on. Differences are candidate minus the other, one for each metric."""

    num_users: int
    against_live: Mapping[str, Difference] | None
    against_popularity: Mapping[str, Difference]


@dataclass(frozen=True)
class Verdict:
    """Whether the candidate goes live, and all that was compared."""

    activate: bool
    reason: str
    metrics: dict[str, float | None] = field(default_factory=dict)
    details: dict[str, Any] = field(default_factory=dict)

    def document(self) -> dict[str, Any]:
        """Give what is stored with the version."""
        return {"activated": self.activate, "reason": self.reason, **self.details}


def decide(figures: Figures, no_live: str = "") -> tuple[bool, str]:
    """Decide whether to activate, and say why.

    Clearly worse means that the whole 95 % interval of the paired difference lies below 0. NDCG@10 decides. A
    clearly worse NDCG@100 refuses a candidate too, unless its NDCG@10 is clearly better.
    """
    if figures.num_users < MIN_USERS:
        return True, f"activated unjudged: {figures.num_users} users to judge on, fewer than {MIN_USERS}"
    if figures.against_live is None:
        return True, f"activated: {no_live or 'nothing was live'}"
    top, whole = figures.against_live[TOP], figures.against_live[LIST]
    if top.high < 0:
        return False, f"refused: clearly worse than the live model, {told(TOP, top)}"
    if whole.high < 0 and not top.low > 0:
        return False, f"refused: clearly worse than the live model, {told(LIST, whole)}"
    popularity = figures.against_popularity[TOP]
    if popularity.high < 0:
        return False, f"refused: clearly worse than popularity, {told(TOP, popularity)}"
    return True, f"activated: not clearly worse than the live model, {told(TOP, top)}"


def told(metric: str, difference: Difference) -> str:
    """Say a difference in words."""
    name = metric.upper()
    return f"{name} {difference.mean:+.4f} (95 % interval {difference.low:+.4f} to {difference.high:+.4f})"


def judge(
    candidate: Model,
    train: Interactions,
    gate: Rows,
    live: tuple[str, Model, Sequence[str]] | None,
    no_live: str = "",
) -> Verdict:
    """Compare a candidate with the live model and with popularity on the gate's users.

    Args:
        candidate: the model just trained, over the vocabulary of ``train``.
        train: what it was trained on; gives popularity too.
        gate: all ratings of the users held out for the gate; 80 % of each go in.
        live: version, model and vocabulary of the live model, if there is one that can be read.
        no_live: why there is none.
    """
    given, targets = holdout(gate, 0.8)
    scale = train.scale
    mine = evaluate(candidate, given, targets, scale)
    popular = evaluate(Popularity(train), given, targets, scale)
    theirs = evaluate(over_vocabulary(live[1], live[2], train.item_ids), given, targets, scale) if live else None
    figures = Figures(len(mine.users), differences(mine, theirs) if theirs else None, differences(mine, popular))
    activate, reason = decide(figures, no_live)
    error = rating_error(candidate, given, targets)
    metrics = flat(mine) | {"rmse": finite(error.rmse), "mae": finite(error.mae)} if error.num_ratings else flat(mine)
    details = {
        "num_users": figures.num_users,
        "candidate": flat(mine),
        "popularity": flat(popular),
        "against_popularity": described(figures.against_popularity),
        "live_version": live[0] if live else None,
        "live": flat(theirs) if theirs else None,
        "against_live": described(figures.against_live) if figures.against_live else None,
    }
    return Verdict(activate, reason, metrics, details)


def over_vocabulary(model: Model, item_ids: Sequence[str], wanted: Sequence[str]) -> Scorer:
    """Let a model of another vocabulary score ours: ratings it cannot know are left out, items it lacks come last."""
    column_of = {item_id: column for column, item_id in enumerate(item_ids)}
    theirs = np.fromiter((column_of.get(item_id, -1) for item_id in wanted), np.int32, count=len(wanted))
    known = np.flatnonzero(theirs >= 0)

    def score(rows: Rows) -> Values:
        kept = rows.where(theirs[rows.columns] >= 0)
        scores_BI = np.full((len(rows), len(wanted)), LOWEST, np.float32)
        translated = sorted_rows(Rows(kept.offsets, theirs[kept.columns], kept.values))
        scores_BI[:, known] = model.preference(translated)[:, theirs[known]]
        return scores_BI

    return score


def sorted_rows(rows: Rows) -> Rows:
    """Order each row's entries by column, as every row is elsewhere."""
    order = np.lexsort((rows.columns, rows.row_of_entry))
    return Rows(rows.offsets, rows.columns[order], rows.values[order])


def differences(a: Evaluation, b: Evaluation) -> dict[str, Difference]:
    """Compare two evaluations on the same users."""
    return {metric: paired_difference(a.metrics[metric], b.metrics[metric]) for metric in (TOP, LIST)}


def described(figures: Mapping[str, Difference]) -> dict[str, dict[str, float | None]]:
    """Give differences as JSON."""
    return {
        metric: {name: finite(value) for name, value in asdict(difference).items()}
        for metric, difference in figures.items()
    }


def flat(evaluation: Evaluation) -> dict[str, float | None]:
    """Give every metric's mean, and its standard error under ``<metric>_error``."""
    if not len(evaluation.users):
        return {}
    figures: dict[str, float | None] = {}
    for metric, (mean, error) in evaluation.summary().items():
        figures |= {metric: finite(mean), f"{metric}_error": finite(error)}
    return figures


def finite(value: float | None) -> float | None:
    """JSON has no NaN."""
    return float(value) if value is not None and isfinite(value) else None
