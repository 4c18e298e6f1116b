"""A trained network as a served model: batches through torch, one user through numpy.

Shape letters: B users in a batch, I items, E ratings in a batch, H hidden units, D units of the code, K columns asked,
N groups of ratings left out.
"""

from __future__ import annotations

from functools import cached_property
from typing import ClassVar, NamedTuple, Self, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import embedding_bag

from models.core.ablation import Ablation, Groups, sum_groups
from models.core.interactions import Indices, RatingScale, Rows, Values
from models.core.model import Model, clip_to_scale
from models.inference.decoder import Decoder
from models.inference.item_vectors import scaled_axes, unit_vectors
from models.inference.moments import Moments
from models.networks.base import CHANNELS, VALUE, Baseline, Batch, Network, NetworkConfig
from models.rating_prediction.biases import Biases

BATCH = 1_024  # single items encoded at once
ONE_BAG = torch.zeros(1, dtype=torch.int64)


class NetworkModel(Model):
    """A trained network without its noise; a kind sets its config and network classes."""

    config_class: ClassVar[type[NetworkConfig]]
    network_class: ClassVar[type[Network]]

    def __init__(self, config: NetworkConfig, scale: RatingScale, tensors: dict[str, Tensor]) -> None:
        self.config: NetworkConfig = config
        self.scale = scale
        self._tensors = tensors
        self._baseline = Baseline.from_tensors(tensors, scale)
        self._biases = self._baseline.biases
        self._residual_scale = self._baseline.std * float(tensors["trust"])
        with torch.device("meta"):  # allocates no memory for weights that exist already
            self._network = self.network_class(config, self._baseline)
        self._network.load_state_dict(self._tensors, strict=False, assign=True)
        self._network.eval().requires_grad_(False)
        self._last_row: tuple[tuple[Indices, Values], tuple[Values, float]] | None = None
        self._rows = {name: weight.numpy() for name, weight in self._network.named_parameters() if not weight.is_meta}

    def preference(self, rows: Rows) -> Values:
        """Score every item: float32 (B, I)."""
        return self._decoder.scores(self._encode(rows)[0])

    def rating(self, rows: Rows) -> Values:
        """Predict every rating from biases and the reconstructed residual: float32 (B, I)."""
        code_BD, bias_B = self._encode(rows)
        residual_BI = code_BD @ self._network.rating_ID.T + self._network.rating_I
        predicted = residual_BI * self._residual_scale + self._network.item_bias_I + bias_B[:, None] + self._biases.mean
        return clip_to_scale(predicted.numpy(), self.scale)

    def _encode(self, rows: Rows) -> tuple[Tensor, Tensor]:
        return self._network.encode(Batch.of(rows, torch.device("cpu")))

    def preference_row(self, columns: Indices, values: Values) -> Values:
        """Score every item for one user, in numpy: float32 (I,)."""
        code_D, _ = self._encode_row(columns, values)
        return self._decoder.row(code_D)

    def rating_row(self, columns: Indices, values: Values, wanted: Indices) -> Values:
        """Predict ratings of the wanted columns, in numpy: float32 (K,)."""
        code_D, bias = self._encode_row(columns, values)
        residual_K = self._rows["rating_ID"][wanted] @ code_D + self._rows["rating_I"][wanted]
        baseline_K = self._biases.item[wanted] + np.float32(bias + self._biases.mean)
        return clip_to_scale(residual_K * np.float32(self._residual_scale) + baseline_K, self.scale)

    def _encode_row(self, columns: Indices, values: Values) -> tuple[Values, float]:
        """Return one user's code, float32 (D,), and bias; cached, as scores and ratings ask for the same row."""
        row, last = (columns, values), self._last_row
        if last is None or last[0][0] is not columns or last[0][1] is not values:
            last = self._last_row = row, self._compute_row(*row)
        return last[1]

    def _compute_row(self, columns: Indices, values: Values) -> tuple[Values, float]:
        bias = self._biases.of_user(columns, values)
        residual = (values - self._biases.mean - self._biases.item[columns] - bias) / self._baseline.std
        disliked = (values < self.scale.like_threshold).astype(np.int64)
        summed_H = self._sum_row(columns, residual, disliked) * np.float32(max(1, len(columns)) ** -0.5)
        return self._network.code_row(summed_H + self._rows["encoder_H"]), bias

    def _sum_row(self, columns: Indices, residual: Values, disliked: NDArray[np.int64]) -> Values:
        """Sum the embeddings of one user's ratings: float32 (H,)."""
        first = columns.astype(np.int64) * CHANNELS
        rows = torch.from_numpy(np.concatenate((first + disliked, first + VALUE)))
        weights = torch.from_numpy(np.concatenate((np.ones_like(residual), residual)))
        table = self._network.encoder_I3H.flatten(0, 1)
        with torch.inference_mode():
            bags = embedding_bag(rows, table, ONE_BAG, mode="sum", per_sample_weights=weights)
        return cast("Values", bags[0].numpy())

    def ablation(self, columns: Indices, values: Values, wanted: Indices) -> Ablation:
        """Encode from sums without some of the embeddings."""
        disliked = (values < self.scale.like_threshold).astype(np.int64)
        deviation_E = self._biases.deviations(columns, values)
        value_EH = self._embeddings(columns, np.full_like(disliked, VALUE)) / np.float32(self._baseline.std)
        embedding_EH = self._embeddings(columns, disliked) + deviation_E[:, None] * value_EH
        return NetworkAblation(
            self,
            Terms(deviation_E.astype(np.float64), embedding_EH, value_EH),
            wanted=wanted,
            preference_KD=self._output_weights(wanted, "preference"),
            rating_KD=self._output_weights(wanted, "rating"),
        )

    def encode_sums(self, summed_NH: Values) -> Values:
        """Encode sums of embeddings: float32 (N, D)."""
        with torch.inference_mode():
            codes_ND: Values = self._network.code(torch.from_numpy(summed_NH + self._rows["encoder_H"])).numpy()
        return codes_ND

    def predict_ratings(self, residual_NK: Values, bias_N: NDArray[np.float64], wanted: Indices) -> Values:
        """Add reconstructed residuals to biases: float32 (N, K), on the scale."""
        baseline_NK = self._biases.item[wanted] + (bias_N + self._biases.mean).astype(np.float32)[:, None]
        return clip_to_scale(residual_NK * np.float32(self._residual_scale) + baseline_NK, self.scale)

    @property
    def biases(self) -> Biases:
        """Baseline of the predicted ratings."""
        return self._biases

    def _embeddings(self, columns: Indices, channel: NDArray[np.int64]) -> Values:
        """Return the embeddings of ratings: float32 (E, H)."""
        embedded_EH: Values = self._rows["encoder_I3H"][columns, channel]
        return embedded_EH

    def _output_weights(self, wanted: Indices | slice, name: str) -> Values:
        """Return the weights of an output with its bias: float32 (K, D + 1)."""
        weights_KD = self._decoder.weights(wanted) if name == "preference" else self._rows[f"{name}_ID"][wanted]
        return np.column_stack((weights_KD, self._rows[f"{name}_I"][wanted]))

    @cached_property
    def _decoder(self) -> Decoder:
        """The preference output, quantized."""
        return Decoder.of(self._network.preference_ID, self._network.preference_I)

    @cached_property
    def moments(self) -> Moments:
        """Moments of the preference output's weights."""
        return Moments.of(lambda block: self._output_weights(block, "preference"), self.config.num_items)

    def item_vectors(self) -> Values:
        """Return the preference output's rows along the directions in which codes differ: float32 (I, D).

        Along directions in which codes do not differ, the weights are as they were drawn and nothing was learned. The
        directions are estimated from the codes of single items.
        """
        items = np.arange(self.config.num_items, dtype=np.int32)
        codes_ID = np.concatenate([self._item_codes(some) for some in np.split(items, items[BATCH::BATCH])])
        return unit_vectors(self._preference_weights() @ scaled_axes(codes_ID))

    def _item_codes(self, items: Indices) -> Values:
        """Encode users who gave one item each the best rating: float32 (B, D)."""
        best = np.full(len(items), self.scale.maximum, np.float32)
        return self._code(Rows(np.arange(len(items) + 1), items, best))

    def _code(self, rows: Rows) -> Values:
        """Encode users: float32 (B, D)."""
        return cast("Values", self._encode(rows)[0].numpy())

    def _preference_weights(self) -> Values:
        """Return the weights of the preference output: float32 (I, D)."""
        return self._rows["preference_ID"]

    def tensors(self) -> dict[str, Tensor]:
        """Return the weights, the biases, and the standard deviation and shrinkage of the residuals."""
        return self._tensors

    @classmethod
    def pack_parameters(cls, parameters: dict[str, Tensor]) -> dict[str, Tensor]:
        """Return the tensors to store for the network's parameters."""
        return parameters

    @classmethod
    def unpack_parameters(cls, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
        """Return the network's parameters from the result of `pack_parameters`, to continue training."""
        return tensors

    @classmethod
    def from_tensors(cls, config: dict[str, object], scale: RatingScale, tensors: dict[str, Tensor]) -> Self:
        """Build the model from the result of `tensors`."""
        return cls(cls.config_class(**config), scale, tensors)  # type: ignore[arg-type]


class Terms(NamedTuple):
    """The terms that a user's ratings add to the sum of embeddings, apart from the user's bias.

    The bias shifts the residual of every rating equally: it is subtracted from the sum, times the sum of all values.

    Attributes:
        deviations: float64 (E,), ratings minus mean and item bias.
        embedding: float32 (E, H), the embeddings of the ratings with these deviations as values.
        value: float32 (E, H), the embeddings of a value of 1.
    """

    deviations: NDArray[np.float64]
    embedding: Values
    value: Values


class NetworkAblation(Ablation):
    """Scores and predicted ratings from codes without some of the embeddings."""

    def __init__(
        self, model: NetworkModel, terms: Terms, *, wanted: Indices, preference_KD: Values, rating_KD: Values
    ) -> None:
        self._model, self._terms, self._wanted = model, terms, wanted
        self._preference_KD, self._rating_KD = preference_KD, rating_KD
        self._embedding_H, self._value_H = terms.embedding.sum(axis=0), terms.value.sum(axis=0)
        self._last: tuple[Groups, Values, NDArray[np.float64]] | None = None

    def scores(self, groups: Groups, *, standard: bool = False) -> Values:
        """Score from the codes without each group."""
        code_ND, _ = self._codes(groups)
        scores_NK: Values = code_ND @ self._preference_KD.T
        return self._model.moments.standardise(scores_NK, code_ND) if standard else scores_NK

    def ratings(self, groups: Groups) -> Values:
        """Predict ratings from the codes without each group."""
        code_ND, bias_N = self._codes(groups)
        return self._model.predict_ratings(code_ND @ self._rating_KD.T, bias_N, self._wanted)

    def _codes(self, groups: Groups) -> tuple[Values, NDArray[np.float64]]:
        """Return codes, float32 (N, D + 1), and biases, float64 (N,), without each group; cached."""
        if self._last is None or self._last[0] is not groups:
            self._last = groups, *self._encode(groups)
        return self._last[1:]

    def _encode(self, groups: Groups) -> tuple[Values, NDArray[np.float64]]:
        model, (deviation_E, embedding_EH, value_EH) = self._model, self._terms
        bias_N = model.biases.of_user_without(deviation_E, groups)
        left_NH = self._value_H - sum_groups(value_EH, groups)
        left_NH *= -bias_N.astype(np.float32)[:, None]
        left_NH += self._embedding_H
        left_NH -= sum_groups(embedding_EH, groups)
        left_NH *= np.float32(max(1, len(deviation_E) - groups.shape[1]) ** -0.5)
        return append_one(model.encode_sums(left_NH)), bias_N


def append_one(codes_ND: Values) -> Values:
    """Append a unit that is always 1, for the bias of an output: float32 (N, D + 1)."""
    return np.column_stack((codes_ND, np.ones(len(codes_ND), np.float32)))
