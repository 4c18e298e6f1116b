"""A layer of a deep encoder, which mixes the units of a code, with a gain and a shift for normalisation.

Shape letter: H units of the layer.
"""

from __future__ import annotations

import torch
from torch import nn


class MixingLayer(nn.Module):
    """The weights of the layer; a kind defines how they are used."""

    def __init__(self, num_hidden: int) -> None:
        super().__init__()
        self.mix_HH = nn.Parameter(torch.empty(num_hidden, num_hidden))
        self.mix_H = nn.Parameter(torch.zeros(num_hidden))
        self.gain_H = nn.Parameter(torch.ones(num_hidden))
        self.shift_H = nn.Parameter(torch.zeros(num_hidden))
