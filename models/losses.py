"""Losses of the preference output over whole rows, gathered from the ratings alone.

Shape letters: B users in a batch, I items, E ratings in a batch, D units of the code.
"""

from __future__ import annotations

import torch
from torch import Tensor

from models.bags import Bags, sum_bags


def multinomial(code_BD: Tensor, weight_ID: Tensor, bias_I: Tensor, targets: Bags) -> Tensor:
    """Multinomial negative log-likelihood of the targets, each counted with its weight; mean over users.

    Source: Liang et al., "Variational Autoencoders for Collaborative Filtering", WWW 2018, equation 2.
    """
    zeros = torch.zeros(max(targets.shape), device=code_BD.device)
    total_B = zeros[: targets.shape[0]].index_add(0, targets.row, targets.weight)
    total_I = zeros[: targets.shape[1]].index_add(0, targets.column, targets.weight)
    who = torch.nonzero(total_B).squeeze(1)  # for the others the product with every item would come to nothing
    partition_L = torch.logsumexp(code_BD.index_select(0, who) @ weight_ID.T + bias_I, dim=1)
    logits = (code_BD * sum_bags(targets, weight_ID)).sum() + total_I @ bias_I
    return ((total_B[who] * partition_L).sum() - logits) / targets.shape[0]
