"""Pruning by magnitude: which synapses go, when, and how the rest is kept.

Source: Zhu & Gupta, "To prune, or not to prune: exploring the efficacy of pruning for model compression", 2017
(arXiv 1710.01878), equation 1.
Shape letters: N rows, M columns, E weights that are left.
"""

from __future__ import annotations

import numpy as np
import torch
from scipy.sparse import csr_array
from torch import Tensor

PRUNED = ("encoder_I3H", "preference_ID", "rating_ID")  # the tables of a network that has synapses to prune
PARTS = ("values", "columns", "offsets")


def share_pruned(progress: float, share: float) -> float:
    """Cubic schedule: the share pruned when ``progress`` (0..1) of the schedule has passed; quick at first."""
    return share * (1 - (1 - min(1.0, max(0.0, progress))) ** 3)


def largest(weight: Tensor, num_kept: int) -> Tensor:
    """Mark the ``num_kept`` weights of the largest magnitude (fewer where some are equal): bool, of their shape."""
    num_pruned = weight.numel() - num_kept
    if num_pruned <= 0:
        return torch.ones_like(weight, dtype=torch.bool)
    magnitude = weight.detach().abs()
    flat = magnitude.flatten().cpu().numpy()
    return magnitude > float(np.partition(flat, num_pruned - 1)[num_pruned - 1])  # four times quicker than kthvalue


def pack(name: str, weight_NM: Tensor) -> dict[str, Tensor]:
    """Store what is left of a weight as compressed sparse rows: float16 values, int32 columns and offsets."""
    rows = csr_array(weight_NM.half().float().numpy())  # what float16 rounds to 0 is pruned too
    parts = (rows.data.astype(np.float16), rows.indices.astype(np.int32), rows.indptr.astype(np.int32))
    return {f"{name}.{part}": torch.from_numpy(array) for part, array in zip(PARTS, parts, strict=True)}


def unpack(name: str, tensors: dict[str, Tensor], num_columns: int) -> csr_array:
    """Read what `pack` stored: float32 (N, M), sparse."""
    values, columns, offsets = (tensors[f"{name}.{part}"].numpy() for part in PARTS)
    return csr_array((values.astype(np.float32), columns, offsets), shape=(len(offsets) - 1, num_columns))
