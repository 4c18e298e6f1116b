"""Why an item is recommended: what its score and its predicted rating would be without each of the user's ratings.

Effects are differences of what the model says with a rating and without it, everything recomputed: exact, no share of
a sum. They do not add up to the whole, so what the strongest ratings do together is told as well.
Shape letters: E ratings of the user, K items explained, N groups of G ratings.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from models.base import FoldIn, Model
from models.interactions import Indices, Values

LEAST_EFFECT = 1e-5  # on the score; below it is the rounding of float32

Effects = tuple[float, float]  # on the predicted rating, on the score


@dataclass(frozen=True)
class Because:
    """What moved one item.

    Attributes:
        places: places in the user's row, the largest effect on the score first, whatever its sign.
        effects: with each rating less without it.
        raising: places of those listed that raised the score.
        together: the effect of all that raised it, or None if nothing did.
    """

    places: Sequence[int] = ()
    effects: Sequence[Effects] = ()
    raising: Sequence[int] = ()
    together: Effects | None = field(default=None)


def explain(fold: FoldIn, wanted: Indices, most: int) -> list[Because]:
    """Explain K items, each by up to ``most`` ratings that raised its score and as many that lowered it."""
    model, columns, values = fold.model, fold.columns, fold.values
    whole = np.stack((fold.rating(wanted), fold.preference[wanted]))
    singles = np.arange(len(columns))[:, None]
    effects_2EK = whole[:, None] - without(model, columns, values, singles, wanted)
    listed = shown(effects_2EK[1], most)
    raising = [[place for place in places if effects_2EK[1, place, item] > 0] for item, places in enumerate(listed)]
    together = joint(model, columns, values, wanted, raising)
    return [
        Because(
            places,
            pairs(effects_2EK[:, places, item]),
            raising[item],
            pairs((whole[:, item] - together[item])[:, None])[0] if item in together else None,
        )
        for item, places in enumerate(listed)
    ]


def without(model: Model, columns: Indices, values: Values, groups: NDArray[np.int64], wanted: Indices) -> Values:
    """Give predicted ratings and scores without each group: float32 (2, N, K)."""
    asked = columns, values, groups, wanted
    return np.stack((model.ratings_without(*asked), model.scores_without(*asked)))


def shown(effects_EK: Values, most: int) -> list[list[int]]:
    """Pick each item's largest effects of each sign, the largest first; of equal ones the earlier rating."""
    order_EK = np.argsort(-np.abs(effects_EK), axis=0, kind="stable")
    sorted_EK = np.take_along_axis(effects_EK, order_EK, axis=0)
    chosen_EK = np.zeros(sorted_EK.shape, bool)
    for clear_EK in (sorted_EK >= LEAST_EFFECT, sorted_EK <= -LEAST_EFFECT):
        chosen_EK |= clear_EK & (np.cumsum(clear_EK, axis=0) <= most)
    return [order_E[chosen_E].tolist() for order_E, chosen_E in zip(order_EK.T, chosen_EK.T, strict=True)]


def joint(
    model: Model, columns: Indices, values: Values, wanted: Indices, raising: Sequence[Sequence[int]]
) -> dict[int, Values]:
    """Give what each item would have without all that raised it: float32 (2,), by its place among the wanted."""
    found: dict[int, Values] = {}
    by_size = sorted((item for item in range(len(wanted)) if raising[item]), key=lambda item: len(raising[item]))
    for _, same in groupby(by_size, key=lambda item: len(raising[item])):
        items = list(same)
        groups = np.array([raising[item] for item in items], np.int64)
        alone_2NK = without(model, columns, values, groups, wanted[items])
        found |= {item: alone_2NK[:, place, place] for place, item in enumerate(items)}
    return found


def pairs(effects_2N: Values) -> list[Effects]:
    """Round effects on rating and score."""
    rating, score = np.round(effects_2N.astype(np.float64), 6).tolist()
    return list(zip(rating, score, strict=True))
