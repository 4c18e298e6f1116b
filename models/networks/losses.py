"""Losses of the preference output over whole rows, computed from the ratings only.

Shape letters: B users in a batch, I items, E ratings in a batch, D units of the code.
"""

from __future__ import annotations

import torch
from torch import Tensor

from models.networks.sparse_ops import Bags, sampled_products, sum_bags


def multinomial(code_BD: Tensor, weight_ID: Tensor, bias_I: Tensor, targets: Bags) -> Tensor:
    """Return the multinomial negative log-likelihood of the targets, each with its weight; mean over users.

    Source: Liang et al., "Variational Autoencoders for Collaborative Filtering", WWW 2018, equation 2.
    """
    zeros = torch.zeros(max(targets.shape), device=code_BD.device)
    total_B = zeros[: targets.shape[0]].index_add(0, targets.row, targets.weight)
    total_I = zeros[: targets.shape[1]].index_add(0, targets.column, targets.weight)
    with_targets = torch.nonzero(total_B).squeeze(1)  # for the others the product with every item would be wasted
    partition_L = torch.logsumexp(code_BD.index_select(0, with_targets) @ weight_ID.T + bias_I, dim=1)
    logits = (code_BD * sum_bags(targets, weight_ID)).sum() + total_I @ bias_I
    return ((total_B[with_targets] * partition_L).sum() - logits) / targets.shape[0]


def sum_squared_products(left_BD: Tensor, right_ID: Tensor) -> Tensor:
    """Sum the squares of all B x I products without forming any: O((B + I) D^2).

    With s = L R', trace(s's) = trace(L'L R'R): the products of the entries of two (D, D) matrices, added up.
    Source: Bayer et al., "A Generic Coordinate Descent Framework for Learning from Implicit Feedback", WWW 2017.
    """
    return ((left_BD.T @ left_BD) * (right_ID.T @ right_ID)).sum()


def dense_squared_error(code_BD: Tensor, weight_ID: Tensor, bias_I: Tensor, *, targets: Bags, unrated: float) -> Tensor:
    """Return the squared error over whole rows, with target 0 at all unrated cells; mean over users.

    Args:
        code_BD: codes of the users.
        weight_ID: weights of the output.
        bias_I: its biases.
        targets: (B, I), the target of each rated cell as its weight; 0 is a target too.
        unrated: weight of an unrated cell, 0..1; a rated one has 1.
    """
    scores_E = sampled_products(targets, code_BD, weight_ID) + bias_I[targets.column]
    at_rated = ((scores_E - targets.weight) ** 2 - unrated * scores_E**2).sum()
    ones = code_BD.new_ones(len(code_BD), 1)
    everywhere = sum_squared_products(torch.cat((code_BD, ones), 1), torch.cat((weight_ID, bias_I[:, None]), 1))
    return (at_rated + unrated * everywhere) / len(code_BD)
