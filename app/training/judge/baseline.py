"""The `linear` baseline that the gate compares a candidate of another kind with, fitted on the same users."""

from collections.abc import Callable
from dataclasses import dataclass

from app.training.judge.gate_rules import MIN_USERS
from models.core.interactions import Interactions
from models.core.model import Model
from models.fit import Fit, FitOptions

KIND = "linear"


@dataclass(frozen=True)
class Baseline:
    """The fitted baseline; or why there is none."""

    model: Model | None = None
    skipped: str | None = None


def linear_baseline(
    kind: str,
    train: Interactions,
    validation: Interactions,
    num_judges: int,
    *,
    max_items: int,
    check_cancelled: Callable[[], None],
) -> Baseline:
    """Fit `linear` to the training users, unless that cannot help or costs too much.

    Args:
        kind: of the candidate.
        train: what the candidate was trained on.
        validation: chooses the penalty, which takes a second or so: less than it is worth to carry one over.
        num_judges: users held out for the gate.
        max_items: largest vocabulary it is fitted for.
        check_cancelled: called between the steps; what it raises goes through.
    """
    if kind == KIND:
        return Baseline(skipped="the candidate is linear itself")
    if num_judges < MIN_USERS:
        return Baseline(skipped=f"{num_judges} users to judge on, fewer than {MIN_USERS}")
    if train.num_items > max_items:
        return Baseline(
            skipped=f"{train.num_items:,} rated items, more than the {max_items:,} of PALATE_LINEAR_MAX_ITEMS"
        )
    config = {"num_factors": 1}  # only its order of items is compared, so the least of a rating output
    fit = Fit(
        KIND, train, validation, FitOptions(epochs=1, device="cpu"), config=config, check_cancelled=check_cancelled
    )
    for _ in fit:
        check_cancelled()
    return Baseline(fit.best)
