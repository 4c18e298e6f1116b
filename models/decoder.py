"""A linear output in 8 bits a weight, as it is served: one user's product with every item reads a quarter of the bytes.

One user's scores cost what it takes to read the weights, and what is read pushes all else out of the caches. So each
item's weights are divided by the largest of them, and rounded to 255 steps between the least and the largest of a
unit's; products are summed in float32. The rounded weights are the served function, in batches and in explanations too.
Shape letters: B users in a batch, I items, D units of the code, K columns asked for.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import numpy as np
import torch
from torch import Tensor

from models.interactions import Indices, Values

STEP_AND_LEAST = 8  # bytes behind a unit's weights: two float32
BLOCK = 64  # users at a time


@dataclass(frozen=True)
class Decoder:
    """The weights of an output, rounded.

    Attributes:
        packed: uint8 (D, I + 8), a row a unit: the weights, then the size of a step and the least weight.
        scale: float32 (I,), what an item's weights are multiplied by.
        bias: float32 (I,), or None for an output without.
    """

    packed: Tensor
    scale: Values
    bias: Values | None = None

    @classmethod
    def of(cls, weights_ID: Tensor, bias_I: Tensor | None = None) -> Decoder:
        """Round weights: float32 (I, D)."""
        largest_I = weights_ID.abs().amax(dim=1)  # 0 for an item of which nothing is known: its scores stay exact
        shares_ID = weights_ID / torch.where(largest_I > 0, largest_I, 1)[:, None]
        packed = torch.ops.quantized.embedding_bag_byte_prepack(shares_ID.T.contiguous())
        return cls(packed, largest_I.numpy(), None if bias_I is None else bias_I.numpy())

    def __len__(self) -> int:
        """Count the items (I)."""
        return len(self.scale)

    def scores(self, codes_BD: Tensor) -> Values:
        """Multiply codes with every item's weights: float32 (B, I). A row does not depend on the others."""
        parts = [self._scores(some) for some in torch.split(codes_BD, BLOCK)]
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    def _scores(self, codes_BD: Tensor) -> Values:
        num_users, num_units = codes_BD.shape
        units = torch.arange(num_units).repeat(num_users)
        with torch.inference_mode():
            sums_BI: Values = torch.ops.quantized.embedding_bag_byte_rowwise_offsets(
                self.packed,
                units,
                torch.arange(0, num_users * num_units, num_units),
                per_sample_weights=codes_BD.reshape(-1),
            ).numpy()
        sums_BI *= self.scale
        if self.bias is not None:
            sums_BI += self.bias
        return sums_BI

    def row(self, code_D: Values) -> Values:
        """Multiply one code: float32 (I,), equal to its row of `scores`."""
        return cast("Values", self.scores(torch.from_numpy(code_D)[None])[0])

    def weights(self, wanted: Indices | slice) -> Values:
        """Give items' weights as they are used, without the bias: float32 (K, D)."""
        packed = self.packed.numpy()
        step_and_least = np.ascontiguousarray(packed[:, -STEP_AND_LEAST:]).view(np.float32)
        rounded_KD = packed[:, :-STEP_AND_LEAST][:, wanted].T * step_and_least[:, 0] + step_and_least[:, 1]
        weights_KD: Values = rounded_KD * self.scale[wanted][:, None]
        return weights_KD
