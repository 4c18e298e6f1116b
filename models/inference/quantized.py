"""Weights quantized to 8 bits, and sums of their rows in float32.

The cost of a user's scores is reading the weights, which also evicts everything else from the caches: 8 bits are a
quarter of the bytes. Each column is divided by its largest weight, then each row is rounded to 255 steps, one of which
is 0.
Source: the layout is that of PyTorch's embedding bag over bytes (`quantized::embedding_bag_byte_prepack`).
Shape letters: F rows, C columns, B sums of E terms in all, K columns asked for.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import numpy as np
import torch
from torch import Tensor

from models.core.interactions import Indices, Offsets, Values

STEP_AND_MINIMUM = 8  # bytes after a row's weights: two float32, the step size and the value of byte 0
STEPS = 254  # between a row's smallest and largest weight, so that 0 can be one of them
BLOCK = 512  # rows quantized at once
MAX_CACHED_ROWS = 16  # rows that stay in the caches as float32


@dataclass(frozen=True)
class QuantizedMatrix:
    """A matrix of weights in 8 bits.

    Attributes:
        packed: uint8 (F, C + 8), the rows.
        scale: float32 (C,), factor of each column.
    """

    packed: Tensor
    scale: Values

    @classmethod
    def of(cls, weights_FC: Tensor) -> QuantizedMatrix:
        """Quantize weights of any precision: (F, C)."""
        num_rows, num_columns = weights_FC.shape
        largest_C = torch.zeros(num_columns)
        for block in torch.split(weights_FC, BLOCK):
            largest_C = torch.maximum(largest_C, block.float().abs().amax(dim=0))
        packed = torch.empty((num_rows, num_columns + STEP_AND_MINIMUM), dtype=torch.uint8)
        divisor_C = torch.where(largest_C > 0, largest_C, 1)
        for start in range(0, num_rows, BLOCK):
            packed[start : start + BLOCK] = _pack(weights_FC[start : start + BLOCK].float() / divisor_C)
        return cls(packed, largest_C.numpy())

    def tensors(self) -> dict[str, Tensor]:
        """Return both tensors by name."""
        return {"packed": self.packed, "column_scale": torch.from_numpy(self.scale)}

    @classmethod
    def from_tensors(cls, tensors: dict[str, Tensor]) -> QuantizedMatrix:
        """Build from the result of `tensors`."""
        return cls(tensors["packed"], tensors["column_scale"].numpy())

    @property
    def num_rows(self) -> int:
        """Number of rows (F)."""
        return len(self.packed)

    @property
    def num_columns(self) -> int:
        """Number of columns (C)."""
        return len(self.scale)

    def sums(self, rows: Tensor, factors: Tensor, offsets: Tensor) -> Values:
        """Add up rows, each times its factor: float32 (B, C). A sum does not depend on the others.

        Args:
            rows: int64 (E,).
            factors: float32 (E,).
            offsets: int64 (B,), first term of each sum.
        """
        with torch.inference_mode():
            sums_BC: Values = torch.ops.quantized.embedding_bag_byte_rowwise_offsets(
                self.packed, rows, offsets, per_sample_weights=factors
            ).numpy()
        sums_BC *= self.scale
        return sums_BC

    def weights(self, rows: Offsets | slice, columns: Offsets | Indices | slice) -> Values:
        """Return some weights, dequantized: float32 (rows, columns)."""
        packed = self.packed.numpy()[:, : self.num_columns]
        if isinstance(rows, slice) or isinstance(columns, slice):
            bytes_RC = packed[rows][:, columns]
        else:
            bytes_RC = packed[rows[:, None], columns]
        step, minimum = self._steps(rows)
        weights_RC = bytes_RC.astype(np.float32)
        weights_RC *= step[:, None]
        weights_RC += minimum[:, None]
        weights_RC *= self.scale[columns]
        return weights_RC

    def _steps(self, rows: Offsets | slice) -> Values:
        """Return step size and smallest weight of some rows: float32 (2, rows)."""
        ends = np.ascontiguousarray(self.packed.numpy()[rows, self.num_columns :])
        return ends.view(np.float32).T

    def products(self, rows: Offsets, vector_C: Values) -> Values:
        """Multiply some rows by a vector: float32 (rows,)."""
        step, minimum = self._steps(rows)
        scaled_C, packed = vector_C * self.scale, self.packed.numpy()
        along_R = np.empty(len(rows), np.float32)
        for start in range(0, len(rows), MAX_CACHED_ROWS):
            some = slice(start, start + MAX_CACHED_ROWS)
            along_R[some] = packed[rows[some], : self.num_columns].astype(np.float32) @ scaled_C
        return cast("Values", along_R * step + minimum * scaled_C.sum())

    def select(self, rows: Offsets, columns: Offsets) -> QuantizedMatrix:
        """Keep some rows and columns."""
        kept = np.concatenate((columns, np.arange(self.num_columns, self.num_columns + STEP_AND_MINIMUM)))
        packed = self.packed[torch.from_numpy(rows)][:, torch.from_numpy(kept)]
        return QuantizedMatrix(packed, self.scale[columns])


def _pack(shares_FC: Tensor) -> Tensor:
    """Quantize and pack rows: uint8 (F, C + 8)."""
    minimum_F, largest_F = (
        edge(shares_FC, dim=1).values if shares_FC.shape[1] else torch.zeros(len(shares_FC))
        for edge in (torch.min, torch.max)
    )
    minimum_F, largest_F = minimum_F.clamp(max=0), largest_F.clamp(min=0)
    step_F = (largest_F - minimum_F).clamp(min=torch.finfo(torch.float32).tiny * STEPS) / STEPS
    zero_F = torch.ceil(-minimum_F / step_F)
    bytes_FC = (torch.round(shares_FC / step_F[:, None]) + zero_F[:, None]).clamp(0, 255).to(torch.uint8)
    ends = torch.stack((step_F, -zero_F * step_F), dim=1).contiguous().view(torch.uint8)
    return torch.cat((bytes_FC, ends), dim=1)
