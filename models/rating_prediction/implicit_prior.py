"""A prior mean of an item's factors from implicit feedback: which users rated it, whatever the rating.

An item's factors are shrunk towards  n^-1/2 sum_u x_u  over the n users who rated it, instead of towards 0. The vectors
x are fitted to the factors by ridge regression. They are needed only while a model is fitted: the item factors then
contain what the vectors say, so a user who was not in the training data is encoded as before.

Sources: Koren, "Factorization Meets the Neighborhood", KDD 2008 (SVD++: the same for users); Rendle, Zhang & Koren, "On
the Difficulty of Evaluating Baselines", 2019, arXiv 1905.01395 (for items too).
Shape letters: U training users, I items, D factors.
"""

from __future__ import annotations

import torch
from torch import Tensor, from_numpy
from torch.nn.functional import embedding_bag

from models.closed_form.als import Cells

PENALTY = 10.0  # of every user's vector
STEPS = 2  # of conjugate gradients each time
STRIDE = 1.8  # over-relaxation of a step: factors and means approach each other slowly


class ImplicitPrior:
    """The users' vectors, fitted step by step."""

    def __init__(self, by_user: Cells, by_item: Cells, ridge_I: Tensor, num_factors: int) -> None:
        """Start with vectors of 0.

        Args:
            by_user: the training ratings (U, I).
            by_item: the same by item.
            ridge_I: strength of the prior of each item's factors, float32 (I,).
            num_factors: D.
        """
        self._by_user, self._by_item, self._ridge_I1 = by_user, by_item, ridge_I[:, None]
        self._counts_I1 = from_numpy(by_item.counts).float()[:, None]
        self._root_I1 = self._counts_I1.clamp(min=1).rsqrt()
        self._user_UD = torch.zeros(len(by_user.counts), num_factors)
        self._means_ID = torch.zeros(len(by_item.counts), num_factors)

    @property
    def prior_mean(self) -> Tensor:
        """Mean towards which an item's factors are shrunk: float32 (I, D), 0 for an item without ratings."""
        return self._means_ID

    def update(self, item_ID: Tensor, square_D: Tensor) -> Tensor:
        """Move the vectors towards those that predict the factors best.

        Args:
            item_ID: the factors, float32 (I, D).
            square_D: mean square of the user factors they are multiplied by, float32 (D,).

        Returns:
            the expected change of the factors with the means, float32 (I, D): smaller for items with more ratings.
        """
        left_UD = self._of_users(self._ridge_I1 * (item_ID - self._means_ID)).sub_(self._user_UD, alpha=PENALTY)
        step_UD, length_D = left_UD.clone(), (left_UD**2).sum(0)
        for _ in range(STEPS):  # in place: these are the largest tables of a fit
            along_UD = self._of_users(self._ridge_I1 * self._of_items(step_UD)).add_(step_UD, alpha=PENALTY)
            share_D = length_D / (step_UD * along_UD).sum(0).clamp(min=1e-30)
            self._user_UD.addcmul_(step_UD, STRIDE * share_D)
            left_UD.addcmul_(along_UD, share_D, value=-1)
            before_D, length_D = length_D, (left_UD**2).sum(0)
            step_UD.mul_(length_D / before_D.clamp(min=1e-30)).add_(left_UD)
        before_ID, self._means_ID = self._means_ID, self._of_items(self._user_UD)
        return self._ridge_I1 / (self._ridge_I1 + self._counts_I1 * square_D) * (self._means_ID - before_ID)

    def _of_items(self, user_UD: Tensor) -> Tensor:
        return self._root_I1 * _sums(self._by_item, user_UD)

    def _of_users(self, item_ID: Tensor) -> Tensor:
        return _sums(self._by_user, self._root_I1 * item_ID)


def _sums(cells: Cells, table_ND: Tensor) -> Tensor:
    """Add up the table rows at each row's columns: float32 (B, D)."""
    starts = from_numpy(cells.offsets[:-1]).to(cells.columns.dtype)
    return embedding_bag(cells.columns, table_ND, starts, mode="sum")
