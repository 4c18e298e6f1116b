"""A trained network as it is served: batches through torch, one user through numpy.

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

from models.core.ablation import Ablation, Groups, summed
from models.core.interactions import Indices, RatingScale, Rows, Values
from models.core.model import Model, clip_to_scale
from models.inference.decoder import Decoder
from models.inference.item_vectors import directions, spread
from models.inference.moments import Moments
from models.networks.base import CHANNELS, VALUE, Baseline, Batch, Network, NetworkConfig
from models.rating_prediction.biases import Biases

BATCH = 1_024  # single items encoded at once
ONE_BAG = torch.zeros(1, dtype=torch.int64)


class NetworkModel(Model):
    """A trained network without its noise; a kind names its config and its network."""

    config_class: ClassVar[type[NetworkConfig]]
    network_class: ClassVar[type[Network]]

    def __init__(self, config: NetworkConfig, scale: RatingScale, tensors: dict[str, Tensor]) -> None:
        self.config: NetworkConfig = config
        self.scale = scale
        self._tensors = tensors
        self._baseline = Baseline.from_tensors(tensors, scale)
        self._biases = self._baseline.biases
        self._reach = self._baseline.spread * float(tensors["trust"])
        with torch.device("meta"):  # no memory for weights that are there already
            self._network = self.network_class(config, self._baseline)
        self._network.load_state_dict(self._tensors, strict=False, assign=True)
        self._network.eval().requires_grad_(False)
        self._last_row: tuple[tuple[Indices, Values], tuple[Values, float]] | None = None
        self._rows = {name: weight.numpy() for name, weight in self._network.named_parameters() if not weight.is_meta}

    def preference(self, rows: Rows) -> Values:
        """Score every item: float32 (B, I)."""
        return self._decoder.scores(self._encode(rows)[0])

    def rating(self, rows: Rows) -> Values:
        """Biases and the residual that the network reconstructs: float32 (B, I)."""
        code_BD, bias_B = self._encode(rows)
        residual_BI = code_BD @ self._network.rating_ID.T + self._network.rating_I
        predicted = residual_BI * self._reach + self._network.item_bias_I + bias_B[:, None] + self._biases.mean
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
        return clip_to_scale(residual_K * np.float32(self._reach) + baseline_K, self.scale)

    def _encode_row(self, columns: Indices, values: Values) -> tuple[Values, float]:
        """Encode one user: float32 (D,); and find his bias. The same row is asked for twice, for scores and ratings."""
        row, last = (columns, values), self._last_row
        if last is None or last[0][0] is not columns or last[0][1] is not values:
            last = self._last_row = row, self._encoded_row(*row)
        return last[1]

    def _encoded_row(self, columns: Indices, values: Values) -> tuple[Values, float]:
        bias = self._biases.of_user(columns, values)
        residual = (values - self._biases.mean - self._biases.item[columns] - bias) / self._baseline.spread
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
        """Encode from the sums that are left."""
        disliked = (values < self.scale.like_threshold).astype(np.int64)
        unexplained_E = self._biases.unexplained(columns, values)
        value_EH = self._embedded(columns, np.full_like(disliked, VALUE)) / np.float32(self._baseline.spread)
        taste_EH = self._embedded(columns, disliked) + unexplained_E[:, None] * value_EH
        return NetworkAblation(
            self,
            Terms(unexplained_E.astype(np.float64), taste_EH, value_EH),
            wanted,
            self._output(wanted, "preference"),
            self._output(wanted, "rating"),
        )

    def encoded(self, summed_NH: Values) -> Values:
        """Encode sums of embeddings: float32 (N, D)."""
        with torch.inference_mode():
            codes_ND: Values = self._network.code(torch.from_numpy(summed_NH + self._rows["encoder_H"])).numpy()
        return codes_ND

    def predicted(self, residual_NK: Values, bias_N: NDArray[np.float64], wanted: Indices) -> Values:
        """Put reconstructed residuals on biases: float32 (N, K), on the scale."""
        baseline_NK = self._biases.item[wanted] + (bias_N + self._biases.mean).astype(np.float32)[:, None]
        return clip_to_scale(residual_NK * np.float32(self._reach) + baseline_NK, self.scale)

    @property
    def biases(self) -> Biases:
        """What ratings are predicted from without the network."""
        return self._biases

    def _embedded(self, columns: Indices, channel: NDArray[np.int64]) -> Values:
        """Return the embeddings of ratings: float32 (E, H)."""
        embedded_EH: Values = self._rows["encoder_I3H"][columns, channel]
        return embedded_EH

    def _output(self, wanted: Indices | slice, name: str) -> Values:
        """Return the weights of an output with its bias: float32 (K, D + 1)."""
        weights_KD = self._decoder.weights(wanted) if name == "preference" else self._rows[f"{name}_ID"][wanted]
        return np.column_stack((weights_KD, self._rows[f"{name}_I"][wanted]))

    @cached_property
    def _decoder(self) -> Decoder:
        """The output that scores."""
        return Decoder.of(self._network.preference_ID, self._network.preference_I)

    @cached_property
    def moments(self) -> Moments:
        """Those of the output that scores."""
        return Moments.of(lambda block: self._output(block, "preference"), self.config.num_items)

    def item_vectors(self) -> Values:
        """Return the rows of the output that scores, as far as codes tell them apart: float32 (I, D).

        A direction in which codes do not differ holds what the weights were drawn as, nothing learned. How codes differ
        is seen on those of single items.
        """
        items = np.arange(self.config.num_items, dtype=np.int32)
        codes_ID = np.concatenate([self._codes_of(some) for some in np.split(items, items[BATCH::BATCH])])
        return directions(self._directed() @ spread(codes_ID))

    def _codes_of(self, items: Indices) -> Values:
        """Encode users who rated one item each, and that best: float32 (B, D)."""
        best = np.full(len(items), self.scale.maximum, np.float32)
        return self._code(Rows(np.arange(len(items) + 1), items, best))

    def _code(self, rows: Rows) -> Values:
        """Encode users: float32 (B, D)."""
        return cast("Values", self._encode(rows)[0].numpy())

    def _directed(self) -> Values:
        """Return the weights of the output that scores: float32 (I, D)."""
        return self._rows["preference_ID"]

    def tensors(self) -> dict[str, Tensor]:
        """Return the weights, the biases, the spread of the residuals and the trust in those reconstructed."""
        return self._tensors

    @classmethod
    def stored(cls, parameters: dict[str, Tensor]) -> dict[str, Tensor]:
        """Return the tensors that are stored for the network's parameters."""
        return parameters

    @classmethod
    def parameters(cls, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
        """Return the network's parameters back from what was `stored`, to go on training them."""
        return tensors

    @classmethod
    def from_tensors(cls, config: dict[str, object], scale: RatingScale, tensors: dict[str, Tensor]) -> Self:
        """Build from what `tensors` gave."""
        return cls(cls.config_class(**config), scale, tensors)  # type: ignore[arg-type]


class Terms(NamedTuple):
    """What each rating of a user adds to the sum that is encoded, but for his bias.

    The bias shifts the residual of every rating alike: times the sum of all values, it is taken off the sum.

    Attributes:
        unexplained: float64 (E,), ratings without mean and item bias.
        taste: float32 (E, H), the embeddings of the ratings with what is unexplained.
        value: float32 (E, H), the embeddings of a 1 as the value.
    """

    unexplained: NDArray[np.float64]
    taste: Values
    value: Values


class NetworkAblation(Ablation):
    """Codes without some of the embeddings that they are summed from."""

    def __init__(
        self, model: NetworkModel, terms: Terms, wanted: Indices, preference_KD: Values, rating_KD: Values
    ) -> None:
        self._model, self._terms, self._wanted = model, terms, wanted
        self._preference_KD, self._rating_KD = preference_KD, rating_KD
        self._taste_H, self._value_H = terms.taste.sum(axis=0), terms.value.sum(axis=0)
        self._last: tuple[Groups, Values, NDArray[np.float64]] | None = None

    def scores(self, groups: Groups, *, standard: bool = False) -> Values:
        """Encode and decode."""
        code_ND, _ = self._encoded(groups)
        scores_NK: Values = code_ND @ self._preference_KD.T
        return self._model.moments.standardised(scores_NK, code_ND) if standard else scores_NK

    def ratings(self, groups: Groups) -> Values:
        """Predict likewise."""
        code_ND, bias_N = self._encoded(groups)
        return self._model.predicted(code_ND @ self._rating_KD.T, bias_N, self._wanted)

    def _encoded(self, groups: Groups) -> tuple[Values, NDArray[np.float64]]:
        """Encode without each group, once for scores and ratings: float32 (N, D + 1), biases float64 (N,)."""
        if self._last is None or self._last[0] is not groups:
            self._last = groups, *self._encode(groups)
        return self._last[1:]

    def _encode(self, groups: Groups) -> tuple[Values, NDArray[np.float64]]:
        model, (unexplained_E, taste_EH, value_EH) = self._model, self._terms
        bias_N = model.biases.of_user_without(unexplained_E, groups)
        left_NH = self._value_H - summed(value_EH, groups)
        left_NH *= -bias_N.astype(np.float32)[:, None]
        left_NH += self._taste_H
        left_NH -= summed(taste_EH, groups)
        left_NH *= np.float32(max(1, len(unexplained_E) - groups.shape[1]) ** -0.5)
        return with_one(model.encoded(left_NH)), bias_N


def with_one(codes_ND: Values) -> Values:
    """Add a unit that is always 1, for the bias of an output: float32 (N, D + 1)."""
    return np.column_stack((codes_ND, np.ones(len(codes_ND), np.float32)))
