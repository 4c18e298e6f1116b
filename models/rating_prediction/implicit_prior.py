"""Who has rated an item says something of it: the mean that an item's factors are drawn to is a sum over its raters.

An item's factors are drawn to  n^-1/2 sum_u x_u  over the n users who rated it, whatever they gave, instead of to 0.
The vectors x are fitted to the factors by ridge regression. They are needed while a model is fitted alone: what they
say of an item is in its factors then, so a user whom training never saw is encoded as ever.

Sources: Koren, "Factorization Meets the Neighborhood", KDD 2008 (SVD++: the same of a user); Rendle, Zhang & Koren, "On
the Difficulty of Evaluating Baselines", 2019, arXiv 1905.01395 (of items as well).
Shape letters: U training users, I items, D factors.
"""

from __future__ import annotations

import torch
from torch import Tensor, from_numpy
from torch.nn.functional import embedding_bag

from models.closed_form.als import Cells

PENALTY = 10.0  # of every rater's vector
STEPS = 2  # of conjugate gradients each time
STRIDE = 1.8  # how far to go of the way they found: factors and means follow one another slowly


class Raters:
    """The raters' vectors, fitted bit by bit."""

    def __init__(self, by_user: Cells, by_item: Cells, ridge_I: Tensor, num_factors: int) -> None:
        """Begin with vectors of 0.

        Args:
            by_user: the training ratings (U, I).
            by_item: the same by item.
            ridge_I: how firmly an item's factors are drawn to their mean, float32 (I,).
            num_factors: D.
        """
        self._by_user, self._by_item, self._ridge_I1 = by_user, by_item, ridge_I[:, None]
        self._counts_I1 = from_numpy(by_item.counts).float()[:, None]
        self._root_I1 = self._counts_I1.clamp(min=1).rsqrt()
        self._user_UD = torch.zeros(len(by_user.counts), num_factors)
        self._means_ID = torch.zeros(len(by_item.counts), num_factors)

    def pull(self) -> Tensor:
        """Say how an item's factors are drawn, as ridge times mean: float32 (I, D), 0 for an item without ratings."""
        return self._ridge_I1 * self._means_ID

    def follow(self, item_ID: Tensor, square_D: Tensor) -> Tensor:
        """Bring the vectors nearer to those that say best what the factors are.

        Args:
            item_ID: the factors, float32 (I, D).
            square_D: mean square of what they are multiplied with at a rating, float32 (D,).

        Returns:
            how far the factors will about go with the means, float32 (I, D): the less, the more ratings hold an item.
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
    """Add up the rows of a table that a row's entries name: float32 (B, D)."""
    starts = from_numpy(cells.offsets[:-1]).to(cells.columns.dtype)
    return embedding_bag(cells.columns, table_ND, starts, mode="sum")
