"""Preference elicitation: which item to ask a user about, the one whose rating is expected to change scores most.

The model folds the user in again with each plausible answer: it predicts the rating, and its measured error says how
far off that may be. An answer is informative if it changes the scores of many items a lot. That the user has rated the
item at all is informative too, whatever the rating, so scores are compared with the current ones, not with each other.

Close to: Rashid et al., "Learning Preferences of New Users in Recommender Systems: An Information Theoretic Approach",
SIGKDD Explorations 2008 (information weighted by popularity); Rubens, Elahi, Sugiyama & Kaplan, "Active Learning in
Recommender Systems", Recommender Systems Handbook 2015 (expected change of the output).
Shape letters: E ratings of the user, C candidates, A answers to each, I items, J items whose scores are compared.
"""

from __future__ import annotations

from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from models.core.interactions import Indices, RatingScale, Rows, Values
from models.core.model import Model, clip_to_scale

ANSWERS = (1 / 4, 3 / 4)  # quantiles of the expected rating: a rather bad and a rather good one


def plausible_ratings(predicted_C: Values, error: float, scale: RatingScale) -> Values:
    """Return plausible ratings of the candidates, on the scale: float32 (C, A), all equally likely."""
    offsets = np.array([NormalDist(0, error).inv_cdf(share) for share in ANSWERS])
    steps = np.rint((predicted_C[:, None] + offsets - scale.minimum) / scale.step)
    ratings_CA: Values = np.asarray(scale.minimum + steps * scale.step, np.float32)
    return clip_to_scale(ratings_CA, scale)


def expected_change(
    model: Model, columns: Indices, values: Values, *, candidates: Indices, ratings_CA: Values, compared: Indices
) -> NDArray[np.float64]:
    """Return the mean squared change of other items' scores over the answers to each candidate: float64 (C,).

    Changes of the scores of rated items, the candidate among them, do not count: they are not recommended.

    Args:
        model: any kind.
        columns: int32 (E,), the user's row.
        values: float32 (E,).
        candidates: int32 (C,), not in the row.
        ratings_CA: plausible ratings of each candidate, float32 (C, A).
        compared: int32 (J,), items whose scores are compared.
    """
    compared = compared[~np.isin(compared, columns)]
    asked = np.repeat(candidates, ratings_CA.shape[1])
    rows = rows_with(columns, values, asked, ratings_CA.ravel())
    moved_NJ = model.preference(rows)[:, compared] - model.preference_row(columns, values)[compared]
    moved_NJ[asked[:, None] == compared] = 0
    squares_N = np.square(moved_NJ).sum(axis=1, dtype=np.float64) / max(1, len(compared))
    change_C: NDArray[np.float64] = squares_N.reshape(ratings_CA.shape).mean(axis=1)
    return change_C


def rows_with(columns: Indices, values: Values, candidates: Indices, ratings: Values) -> Rows:
    """Return the user's row once for each candidate, with a rating of it added; no candidate is in the row."""
    num_rows, length = len(candidates), len(columns) + 1
    columns_NE = np.column_stack((np.broadcast_to(columns, (num_rows, length - 1)), candidates))
    values_NE = np.column_stack((np.broadcast_to(values, (num_rows, length - 1)), ratings))
    order_NE = np.argsort(columns_NE, axis=1)
    sorted_columns = np.take_along_axis(columns_NE, order_NE, 1).astype(np.int32).ravel()
    sorted_values = np.take_along_axis(values_NE, order_NE, 1).astype(np.float32).ravel()
    return Rows(np.arange(num_rows + 1) * length, sorted_columns, sorted_values)


def information(change_C: NDArray[np.float64], popularity_C: NDArray[np.float64]) -> NDArray[np.float64]:
    """Weight the expected changes by the chance of an answer: float64 (C,), 1 for the largest.

    The weight is the square root of the popularity: popularity itself would ask about the best-known items, which say
    little; no weight would ask many questions in vain (docs/how-to/questions.md).
    """
    weighed_C = change_C * np.sqrt(popularity_C)
    shares_C: NDArray[np.float64] = weighed_C / max(weighed_C.max(initial=0), np.finfo(float).tiny)
    return shares_C
