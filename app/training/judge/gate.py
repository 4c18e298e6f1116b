"""The gate: a candidate meets the live model, popularity and `linear` on the same held-out users."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from math import isfinite
from typing import Any

import numpy as np

from app.training.judge.baseline import Baseline
from app.training.judge.gate_rules import LIST, TOP, Exposures, Figures, decide
from models.core.interactions import Interactions, Rows, Values
from models.core.model import Model
from models.evaluation.exposure import Exposure, exposure, rated_share
from models.evaluation.ranking import (
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


@dataclass(frozen=True)
class Verdict:
    """Whether the candidate goes live, and all that was compared."""

    activate: bool
    reason: str
    metrics: dict[str, float | None] = field(default_factory=dict)
    details: dict[str, Any] = field(default_factory=dict)

    def document(self) -> dict[str, Any]:
        """Return what is stored with the version."""
        return {"activated": self.activate, "reason": self.reason, **self.details}


@dataclass(frozen=True)
class Judged:
    """What one scorer does for the held-out users: how well it ranks, and what it shows."""

    evaluation: Evaluation
    exposure: Exposure


@dataclass(frozen=True)
class Comparison:
    """The candidate and the others, each judged on the same users; those that there are."""

    candidate: Judged
    popularity: Judged
    live: Judged | None
    linear: Judged | None

    def figures(self) -> Figures:
        """Return what is decided on."""
        mine, live, linear = self.candidate, self.live, self.linear
        return Figures(
            len(mine.evaluation.users),
            differences(mine.evaluation, live.evaluation) if live else None,
            differences(mine.evaluation, self.popularity.evaluation),
            differences(mine.evaluation, linear.evaluation) if linear else None,
            Exposures(mine.exposure, live.exposure, self.popularity.exposure) if live else None,
        )

    def document(self, figures: Figures) -> dict[str, Any]:
        """Return every figure as JSON."""
        all_four = {part.name: getattr(self, part.name) for part in fields(self)}
        return {
            "num_users": figures.num_users,
            **{name: flat(judged.evaluation) if judged else None for name, judged in all_four.items()},
            "against_popularity": described(figures.against_popularity),
            "against_live": described(figures.against_live),
            "against_linear": described(figures.against_linear),
            "exposure": {name: shown(judged.exposure) if judged else None for name, judged in all_four.items()},
        }


def judge(
    candidate: Model,
    train: Interactions,
    gate: Rows,
    live: tuple[str, Model, Sequence[str]] | None,
    *,
    no_live: str,
    linear: Baseline,
    check_cancelled: Callable[[], None],
) -> Verdict:
    """Compare a candidate with the live model, with popularity and with `linear` on the gate's users.

    Args:
        candidate: the model just trained, over the vocabulary of ``train``.
        train: what it was trained on; gives popularity too.
        gate: all ratings of the users held out for the gate; 80 % of each go in.
        live: version, model and vocabulary of the live model, if there is one that can be read.
        no_live: why there is none.
        linear: the baseline over the vocabulary of ``train``, or why there is none.
        check_cancelled: called between batches of users; what it raises goes through.
    """
    given, targets = holdout(gate, 0.8)
    share = rated_share(train)

    def judged(scorer: Scorer) -> Judged:
        def score(rows: Rows) -> Values:
            check_cancelled()
            return scorer(rows)

        return Judged(evaluate(score, given, targets, train.scale), exposure(score, given, share))

    comparison = Comparison(
        judged(candidate.preference),
        judged(Popularity(train)),
        judged(over_vocabulary(live[1], live[2], train.item_ids)) if live else None,
        judged(linear.model.preference) if linear.model else None,
    )
    figures = comparison.figures()
    activate, reason = decide(figures, no_live)
    error = rating_error(candidate, given, targets)
    metrics = flat(comparison.candidate.evaluation)
    if error.num_ratings:
        metrics |= {"rmse": finite(error.rmse), "mae": finite(error.mae)}
    about = {"live_version": live[0] if live else None, "linear_skipped": linear.skipped}
    return Verdict(activate, reason, metrics, comparison.document(figures) | about)


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


def described(figures: Mapping[str, Difference] | None) -> dict[str, dict[str, float | None]] | None:
    """Return differences as JSON."""
    if figures is None:
        return None
    return {
        metric: {name: finite(value) for name, value in asdict(difference).items()}
        for metric, difference in figures.items()
    }


def shown(exposure: Exposure) -> dict[str, float | int]:
    """Return what lists show as JSON."""
    return {name: float(value) if isinstance(value, float) else value for name, value in asdict(exposure).items()}


def flat(evaluation: Evaluation) -> dict[str, float | None]:
    """Return every metric's mean, and its standard error under ``<metric>_error``."""
    if not len(evaluation.users):
        return {}
    figures: dict[str, float | None] = {}
    for metric, (mean, error) in evaluation.summary().items():
        figures |= {metric: finite(mean), f"{metric}_error": finite(error)}
    return figures


def finite(value: float | None) -> float | None:
    """JSON has no NaN."""
    return float(value) if value is not None and isfinite(value) else None
