"""Pruning by magnitude: which weights are removed and when, and how the sparse tables are stored and served.

Source: Zhu & Gupta, "To prune, or not to prune: exploring the efficacy of pruning for model compression", 2017
(arXiv 1710.01878), equation 1.
Shape letters: B users in a batch, I items, E ratings in a batch, H hidden units, K columns asked for,
N rows and M columns of a table.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.sparse import csr_array
from torch import Tensor

from models.core.interactions import Indices, RatingScale, Rows, Values
from models.core.model import clip_to_scale
from models.networks.base import CHANNELS, VALUE, Batch, NetworkConfig
from models.networks.model import NetworkModel

PRUNED_TABLES = ("encoder_I3H", "preference_ID", "rating_ID")  # the weights of a network that are pruned
PARTS = ("values", "columns", "offsets")


def pruned_share(progress: float, share: float) -> float:
    """Return the share pruned after ``progress`` (0..1) of a cubic schedule, which is fast at first."""
    return share * (1 - (1 - min(1.0, max(0.0, progress))) ** 3)


def largest_mask(weight: Tensor, num_kept: int) -> Tensor:
    """Mark the ``num_kept`` weights of largest magnitude, fewer if some are equal: bool, of the weights' shape."""
    num_pruned = weight.numel() - num_kept
    if num_pruned <= 0:
        return torch.ones_like(weight, dtype=torch.bool)
    magnitude = weight.detach().abs()
    flat = magnitude.flatten().cpu().numpy()
    return magnitude > float(np.partition(flat, num_pruned - 1)[num_pruned - 1])  # four times faster than kthvalue


def pack(name: str, weight_NM: Tensor) -> dict[str, Tensor]:
    """Pack the nonzero weights as compressed sparse rows: float16 values, int32 columns and offsets."""
    rows = csr_array(weight_NM.half().float().numpy())  # weights that float16 rounds to 0 are dropped too
    parts = (rows.data.astype(np.float16), rows.indices.astype(np.int32), rows.indptr.astype(np.int32))
    return {f"{name}.{part}": torch.from_numpy(array) for part, array in zip(PARTS, parts, strict=True)}


def unpack(name: str, tensors: dict[str, Tensor], num_columns: int) -> csr_array:
    """Unpack the result of `pack`: float32 (N, M), sparse."""
    values, columns, offsets = (tensors[f"{name}.{part}"].numpy() for part in PARTS)
    return csr_array((values.astype(np.float32), columns, offsets), shape=(len(offsets) - 1, num_columns))


class PrunedModel(NetworkModel):
    """A pruned network: it multiplies by sparse tables and never makes them dense."""

    def __init__(self, config: NetworkConfig, scale: RatingScale, tensors: dict[str, Tensor]) -> None:
        super().__init__(config, scale, tensors)
        self._tables = {name: unpack(name, self._tensors, config.width) for name in PRUNED_TABLES}

    def preference(self, rows: Rows) -> Values:
        """Score every item: float32 (B, I)."""
        code_BH, _ = self._encode_sparse(rows)
        scores_BI: Values = (self._tables["preference_ID"] @ code_BH.T).T + self._rows["preference_I"]
        return scores_BI

    def rating(self, rows: Rows) -> Values:
        """Predict every rating from biases and the reconstructed residual: float32 (B, I)."""
        code_BH, bias_B = self._encode_sparse(rows)
        predicted_BI = (self._tables["rating_ID"] @ code_BH.T).T + self._rows["rating_I"]
        predicted_BI *= np.float32(self._residual_scale)
        predicted_BI += self._biases.item + np.float32(self._biases.mean) + bias_B[:, None]
        return clip_to_scale(predicted_BI, self.scale)

    def _encode_sparse(self, rows: Rows) -> tuple[Values, Values]:
        """Encode users: float32 (B, H); and their biases: float32 (B,)."""
        bags, bias_B = self._network.inputs(Batch.of(rows, torch.device("cpu")))
        inputs = csr_array(
            (bags.weight.numpy(), bags.column.numpy(), np.append(bags.offsets, len(bags.row))), bags.shape
        )
        summed_BH = (inputs @ self._tables["encoder_I3H"]).toarray() + self._rows["encoder_H"]
        return self._network.code_row(summed_BH), bias_B.numpy()

    def preference_row(self, columns: Indices, values: Values) -> Values:
        """Score every item for one user: float32 (I,)."""
        code_H, _ = self._encode_row(columns, values)
        scores_I: Values = self._tables["preference_ID"] @ code_H + self._rows["preference_I"]
        return scores_I

    def rating_row(self, columns: Indices, values: Values, wanted: Indices) -> Values:
        """Predict ratings of the wanted columns: float32 (K,)."""
        code_H, bias = self._encode_row(columns, values)
        residual_K = self._tables["rating_ID"][wanted] @ code_H + self._rows["rating_I"][wanted]
        baseline_K = self._biases.item[wanted] + np.float32(bias + self._biases.mean)
        return clip_to_scale(residual_K * np.float32(self._residual_scale) + baseline_K, self.scale)

    def _sum_row(self, columns: Indices, residual: Values, disliked: NDArray[np.int64]) -> Values:
        """Sum the embeddings of one user's ratings: float32 (H,)."""
        rows = np.concatenate((columns * CHANNELS + disliked, columns * CHANNELS + VALUE))
        weights = np.concatenate((np.ones_like(residual), residual))
        summed_H: Values = weights @ self._tables["encoder_I3H"][rows]
        return summed_H

    def _embeddings(self, columns: Indices, channel: NDArray[np.int64]) -> Values:
        """Return the embeddings of ratings: float32 (E, H)."""
        embedded_EH: Values = self._tables["encoder_I3H"][columns * CHANNELS + channel].toarray()
        return embedded_EH

    def _output_weights(self, wanted: Indices | slice, name: str) -> Values:
        """Return the weights of an output, with its bias: float32 (K, H + 1)."""
        return np.column_stack((self._tables[f"{name}_ID"][wanted].toarray(), self._rows[f"{name}_I"][wanted]))

    def _code(self, rows: Rows) -> Values:
        """Encode users: float32 (B, H)."""
        return self._encode_sparse(rows)[0]

    def _preference_weights(self) -> Values:
        """Return the weights of the preference output: float32 (I, H)."""
        decoder: Values = self._tables["preference_ID"].toarray()
        return decoder

    @classmethod
    def pack_parameters(cls, parameters: dict[str, Tensor]) -> dict[str, Tensor]:
        """Pack the tables, and leave the other parameters as they are."""
        packed = [pack(name, parameters[name].reshape(-1, parameters[name].shape[-1])) for name in PRUNED_TABLES]
        tensors = {name: tensor for name, tensor in parameters.items() if name not in PRUNED_TABLES}
        return tensors | {name: tensor for table in packed for name, tensor in table.items()}

    @classmethod
    def unpack_parameters(cls, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
        """Unpack the tables."""
        num_hidden = len(tensors["encoder_H"])
        tables = {name: torch.from_numpy(unpack(name, tensors, num_hidden).toarray()) for name in PRUNED_TABLES}
        tables["encoder_I3H"] = tables["encoder_I3H"].reshape(-1, CHANNELS, num_hidden)
        return tensors | tables
