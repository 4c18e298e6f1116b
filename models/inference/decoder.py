"""A linear output for serving: codes times the quantized weights of every item.

Shape letters: B users in a batch, I items, D units of the code, K columns asked for.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import numpy as np
import torch
from torch import Tensor

from models.core.interactions import Indices, Values
from models.inference.quantized import QuantizedMatrix

BLOCK = 64  # users at a time


@dataclass(frozen=True)
class Decoder:
    """The weights of an output: a row for each unit, a column for each item.

    Attributes:
        units: (D, I).
        bias: float32 (I,), or None for an output without bias.
    """

    units: QuantizedMatrix
    bias: Values | None = None

    @classmethod
    def of(cls, weights_ID: Tensor, bias_I: Tensor | None = None) -> Decoder:
        """Quantize weights: float32 (I, D)."""
        return cls(QuantizedMatrix.of(weights_ID.T), None if bias_I is None else bias_I.numpy())

    def scores(self, codes_BD: Tensor) -> Values:
        """Multiply codes by every item's weights: float32 (B, I). A row does not depend on the others."""
        parts = [self._scores(some) for some in torch.split(codes_BD, BLOCK)]
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    def _scores(self, codes_BD: Tensor) -> Values:
        num_users, num_units = codes_BD.shape
        units, offsets = torch.arange(num_units).repeat(num_users), torch.arange(num_users) * num_units
        scores_BI = self.units.sums(units, codes_BD.reshape(-1), offsets)
        if self.bias is not None:
            scores_BI += self.bias
        return scores_BI

    def row(self, code_D: Values) -> Values:
        """Multiply one code by every item's weights: float32 (I,), equal to its row of `scores`."""
        return cast("Values", self.scores(torch.from_numpy(code_D)[None])[0])

    def weights(self, wanted: Indices | slice) -> Values:
        """Return the dequantized weights of some items, without the bias: float32 (K, D)."""
        return self.units.weights(slice(None), wanted).T
