"""What the gate decides, from figures alone: docs/decisions/0011 says why the thresholds are what they are."""

from collections.abc import Mapping
from dataclasses import dataclass

from models.evaluation.exposure import Exposure
from models.evaluation.ranking import Difference

MIN_USERS = 20  # below this the figures say nothing
TOP, LIST = "ndcg@10", "ndcg@100"
MIN_COVERAGE = 1 / 3  # of the live model's
MAX_OVERLAP = 0.8  # of popularity's, which gives everybody the same list but for what they have rated

Differences = Mapping[str, Difference]


@dataclass(frozen=True)
class Exposures:
    """What the lists of each show, taken together, to the same users."""

    candidate: Exposure
    live: Exposure
    popularity: Exposure


@dataclass(frozen=True)
class Figures:
    """What the gate decides on. Differences are candidate minus the other, one for each metric."""

    num_users: int
    against_live: Differences | None
    against_popularity: Differences
    against_linear: Differences | None = None
    exposures: Exposures | None = None


def decide(figures: Figures, no_live: str = "") -> tuple[bool, str]:
    """Decide whether to activate, and say why.

    Clearly worse means that the whole 95 % interval of the paired difference lies below 0.
    """
    if figures.num_users < MIN_USERS:
        return True, f"activated unjudged: {figures.num_users} users to judge on, fewer than {MIN_USERS}"
    linear = worse_than_linear(figures)
    but = f"; but {linear}" if linear else ""
    if figures.against_live is None:
        return True, f"activated: {no_live or 'nothing was live'}{but}"
    top = figures.against_live[TOP]
    objection = worse_than_live(figures.against_live) or worse_than_popularity(figures)
    if objection is None and not top.low > 0:  # what is clearly better than the live model may have other faults
        objection = linear or narrower(figures.exposures) or alike(figures.exposures)
    if objection:
        return False, f"refused: {objection}"
    return True, f"activated: not clearly worse than the live model, {format_difference(TOP, top)}{but}"


def worse_than_live(against: Differences) -> str | None:
    """Object if NDCG@10 is clearly worse, or if NDCG@100 is and NDCG@10 is not clearly better."""
    top, whole = against[TOP], against[LIST]
    if top.high < 0:
        return f"clearly worse than the live model, {format_difference(TOP, top)}"
    if whole.high < 0 and not top.low > 0:
        return f"clearly worse than the live model, {format_difference(LIST, whole)}"
    return None


def worse_than_popularity(figures: Figures) -> str | None:
    """Object if NDCG@10 is clearly worse than popularity's."""
    top = figures.against_popularity[TOP]
    return f"clearly worse than popularity, {format_difference(TOP, top)}" if top.high < 0 else None


def worse_than_linear(figures: Figures) -> str | None:
    """Object if NDCG@10 is clearly worse than that of `linear`, and say what to do."""
    if figures.against_linear is None or figures.against_linear[TOP].high >= 0:
        return None
    difference = format_difference(TOP, figures.against_linear[TOP])
    return f"clearly worse than linear, {difference}; PALATE_MODEL_KIND=linear trains that"


def narrower(exposures: Exposures | None) -> str | None:
    """Object if far fewer items are shown to anybody than the live model shows."""
    if exposures is None or exposures.candidate.coverage >= MIN_COVERAGE * exposures.live.coverage:
        return None
    mine, theirs = exposures.candidate.coverage, exposures.live.coverage
    return (
        f"far narrower than the live model: {mine:.2%} of the items are in some user's first 10, {theirs:.2%} with "
        f"the live model, and NDCG@10 is not clearly better"
    )


def alike(exposures: Exposures | None) -> str | None:
    """Object if nearly everybody would get the same list, and the live model does not do that."""
    if exposures is None:
        return None
    limit = MAX_OVERLAP * exposures.popularity.overlap
    mine, theirs = exposures.candidate.overlap, exposures.live.overlap
    if not theirs <= limit < mine:
        return None
    return (
        f"nearly the same list for everybody: two users share {mine:.0%} of their first 10, {theirs:.0%} with the live "
        f"model and {exposures.popularity.overlap:.0%} with popularity, and NDCG@10 is not clearly better"
    )


def format_difference(metric: str, difference: Difference) -> str:
    """Write a difference in words."""
    name = metric.upper()
    return f"{name} {difference.mean:+.4f} (95 % interval {difference.low:+.4f} to {difference.high:+.4f})"
