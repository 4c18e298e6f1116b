"""A pruned network as it is stored and served: compressed sparse rows, on the disk and in memory.

Shape letters: B users in a batch, I items, E ratings in a batch, H hidden units, K columns asked for.
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
from models.networks.pruning import PRUNED, pack, unpack


class PrunedModel(NetworkModel):
    """Products with the synapses that are left; the dense tables are never made."""

    def __init__(self, config: NetworkConfig, scale: RatingScale, tensors: dict[str, Tensor]) -> None:
        super().__init__(config, scale, tensors)
        self._tables = {name: unpack(name, self._tensors, config.width) for name in PRUNED}

    def preference(self, rows: Rows) -> Values:
        """Score every item: float32 (B, I)."""
        code_BH, _ = self._encoded(rows)
        scores_BI: Values = (self._tables["preference_ID"] @ code_BH.T).T + self._rows["preference_I"]
        return scores_BI

    def rating(self, rows: Rows) -> Values:
        """Biases and the residual that the network reconstructs: float32 (B, I)."""
        code_BH, bias_B = self._encoded(rows)
        predicted_BI = (self._tables["rating_ID"] @ code_BH.T).T + self._rows["rating_I"]
        predicted_BI *= np.float32(self._reach)
        predicted_BI += self._biases.item + np.float32(self._biases.mean) + bias_B[:, None]
        return clip_to_scale(predicted_BI, self.scale)

    def _encoded(self, rows: Rows) -> tuple[Values, Values]:
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
        return clip_to_scale(residual_K * np.float32(self._reach) + baseline_K, self.scale)

    def _sum_row(self, columns: Indices, residual: Values, disliked: NDArray[np.int64]) -> Values:
        """Sum the embeddings of one user's ratings: float32 (H,)."""
        rows = np.concatenate((columns * CHANNELS + disliked, columns * CHANNELS + VALUE))
        weights = np.concatenate((np.ones_like(residual), residual))
        summed_H: Values = weights @ self._tables["encoder_I3H"][rows]
        return summed_H

    def _embedded(self, columns: Indices, channel: NDArray[np.int64]) -> Values:
        """Unpack the embeddings of ratings: float32 (E, H)."""
        embedded_EH: Values = self._tables["encoder_I3H"][columns * CHANNELS + channel].toarray()
        return embedded_EH

    def _output(self, wanted: Indices | slice, name: str) -> Values:
        """Unpack the weights of an output, with its bias: float32 (K, H + 1)."""
        return np.column_stack((self._tables[f"{name}_ID"][wanted].toarray(), self._rows[f"{name}_I"][wanted]))

    def _code(self, rows: Rows) -> Values:
        """Encode users: float32 (B, H)."""
        return self._encoded(rows)[0]

    def _directed(self) -> Values:
        """Unpack the output that scores."""
        decoder: Values = self._tables["preference_ID"].toarray()
        return decoder

    @classmethod
    def stored(cls, parameters: dict[str, Tensor]) -> dict[str, Tensor]:
        """Pack the tables; the rest is stored as it is."""
        packed = [pack(name, parameters[name].reshape(-1, parameters[name].shape[-1])) for name in PRUNED]
        tensors = {name: tensor for name, tensor in parameters.items() if name not in PRUNED}
        return tensors | {name: tensor for table in packed for name, tensor in table.items()}

    @classmethod
    def parameters(cls, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
        """Unpack the tables."""
        num_hidden = len(tensors["encoder_H"])
        tables = {name: torch.from_numpy(unpack(name, tensors, num_hidden).toarray()) for name in PRUNED}
        tables["encoder_I3H"] = tables["encoder_I3H"].reshape(-1, CHANNELS, num_hidden)
        return tensors | tables
