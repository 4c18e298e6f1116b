"""Why an item is recommended: what its score and its predicted rating would be without each of the user's ratings.

An effect is the model's output with a rating less its output without it, all else recomputed: exact but for rounding,
which is far below the smallest effect that is named. Effects do not add up to the whole, so the joint effect of the
ratings that raised an item is computed as well.
Shape letters: E ratings of the user, K items explained, S effects named, N groups of G ratings.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import compress, groupby, pairwise

import numpy as np
from numpy.typing import NDArray

from models.core.ablation import Ablation, Groups
from models.core.interactions import Indices, Values
from models.core.model import FoldIn

MIN_EFFECT = 1e-5  # on the score; below it is the rounding of float32

Places = NDArray[np.int64]
Effects = tuple[float, float]  # on the predicted rating, on the score


@dataclass(frozen=True)
class Explanation:
    """What moved one item.

    Attributes:
        places: places in the user's row, the largest effect on the score first, whatever its sign.
        effects: with each rating less without it.
        raising: those of the places whose rating raised the score.
        together: the joint effect of all that raised it, or None if nothing did.
    """

    places: Sequence[int] = ()
    effects: Sequence[Effects] = ()
    raising: Sequence[int] = ()
    together: Effects | None = field(default=None)


def explain(fold: FoldIn, wanted: Indices, max_ratings: int) -> list[Explanation]:
    """Explain K items, each by up to ``max_ratings`` ratings that raised its score and as many that lowered it."""
    ablation = fold.model.ablation(fold.columns, fold.values, wanted)
    whole_2K = np.stack((fold.rating(wanted), fold.preference[wanted]))
    effects_2KE = (whole_2K[:, None] - without(ablation, np.arange(len(fold.columns))[:, None])).transpose(0, 2, 1)
    items, places_S = strongest(np.ascontiguousarray(effects_2KE[1]), max_ratings)
    effects_2S = effects_2KE[:, items, places_S]
    ends = np.cumsum(np.bincount(items, minlength=len(wanted))).tolist()
    places, effects, is_raising = places_S.tolist(), round_effects(effects_2S), (effects_2S[1] > 0).tolist()
    parts = [slice(*bounds) for bounds in pairwise([0, *ends])]
    raising = [list(compress(places[part], is_raising[part])) for part in parts]
    joint = joint_effects(ablation, whole_2K, raising)
    return [Explanation(places[part], effects[part], raising[item], joint.get(item)) for item, part in enumerate(parts)]


def without(ablation: Ablation, groups: Groups) -> Values:
    """Return predicted ratings and scores without each group: float32 (2, N, K)."""
    return np.stack((ablation.ratings(groups), ablation.scores(groups)))


def strongest(effects_KE: Values, max_ratings: int) -> tuple[Places, Places]:
    """Find each item's largest effects of each sign, the largest first; of equal ones the earlier rating.

    Returns:
        int64 (S,), items in their order; int64 (S,), the places of their ratings.
    """
    order_KE = np.argsort(-np.abs(effects_KE), axis=1, kind="stable")
    sorted_KE = np.take_along_axis(effects_KE, order_KE, axis=1)
    chosen_KE = np.zeros(sorted_KE.shape, bool)
    for of_sign_KE in (sorted_KE >= MIN_EFFECT, sorted_KE <= -MIN_EFFECT):
        chosen_KE |= of_sign_KE & (np.cumsum(of_sign_KE, axis=1) <= max_ratings)
    return np.nonzero(chosen_KE)[0], order_KE[chosen_KE]


def joint_effects(ablation: Ablation, whole_2K: Values, raising: Sequence[Sequence[int]]) -> dict[int, Effects]:
    """Return the joint effect of all ratings that raised an item, by the item's place among the wanted."""
    found: dict[int, Effects] = {}
    by_size = sorted((item for item, places in enumerate(raising) if places), key=lambda item: len(raising[item]))
    for _, same_size in groupby(by_size, key=lambda item: len(raising[item])):
        items = list(same_size)
        left_2NK = without(ablation, np.array([raising[item] for item in items], np.int64))
        effects_2N = whole_2K[:, items] - left_2NK[:, np.arange(len(items)), items]
        found |= zip(items, round_effects(effects_2N), strict=True)
    return found


def round_effects(effects_2N: Values) -> list[Effects]:
    """Return effects on rating and score as pairs of rounded numbers."""
    rating, score = np.round(effects_2N.astype(np.float64), 6).tolist()
    return list(zip(rating, score, strict=True))
