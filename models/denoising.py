"""Denoising autoencoder with two outputs: what to recommend, and how it will be rated.

Sources: Liang et al., "Variational Autoencoders for Collaborative Filtering", WWW 2018 (Mult-DAE:
the preference output);
Strub et al., "Hybrid Recommender System based on Autoencoders", DLRS 2016 (CFN: loss stressed on what was hidden).
Shape letters: B users in a batch, I items, E ratings in a batch, H hidden units, K columns asked for.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar, Self, cast

import numpy as np
import torch
from torch import Tensor, nn

from models.bags import Bags, cells, sum_bags
from models.base import Model, clip_to_scale
from models.biases import USER_SHRINKAGE, Biases
from models.fitter import FitTask, config_from
from models.interactions import Indices, RatingScale, Rows, Values
from models.sgd import Batch, GradientFitter, Network

CHANNELS = 3  # liked, disliked, value
VALUE = 2
WIDE, NARROW = 400, 200
SHORT_ROW = 20  # mean ratings of a user below which the narrow layer does: half the time of a fit


@dataclass(frozen=True, kw_only=True)
class DenoisingConfig:
    """Hyper-parameters of `denoising`."""

    num_items: int  # I
    num_hidden: int | None = None  # H, more than I is allowed; None: `WIDE`, or `NARROW` where rows are short
    masking: float = 0.5  # share of a user's ratings hidden from the encoder, 0..1
    noise: float = 0.1  # standard deviation of the noise on the values, in standard deviations of a residual
    stress: float = 0.5  # weight of the hidden cells in the rating loss, 0..1; the rest is on those shown
    rating_weight: float = 1.0  # of the rating loss beside the preference loss
    weight_decay: float = 1e-5

    def __post_init__(self) -> None:
        if self.num_hidden is not None and self.num_hidden < 1:
            raise ValueError("num_hidden must be 1 or more")
        if not 0 <= self.masking < 1:
            raise ValueError("masking must lie in 0..1, 1 excluded")
        if not 0 <= self.stress <= 1:
            raise ValueError("stress must lie in 0..1")


class DenoisingNetwork(Network):
    """One sigmoid layer between an embedding sum and two linear outputs."""

    item_bias_I: Tensor  # noqa: N815 - a buffer

    item_axes = frozenset({"encoder_I3H", "preference_IH", "preference_I", "rating_IH", "rating_I"})

    def __init__(self, config: DenoisingConfig, biases: Biases, spread: float, like_threshold: float) -> None:
        super().__init__()
        self.config = config
        self.like_threshold = like_threshold
        self.mean, self.spread = biases.mean, spread
        self.register_buffer("item_bias_I", torch.from_numpy(biases.item))
        shape = (config.num_items, config.num_hidden or WIDE)
        self.encoder_I3H = nn.Parameter(torch.empty(shape[0], CHANNELS, shape[1]))
        self.encoder_H = nn.Parameter(torch.zeros(shape[1]))
        self.preference_IH = nn.Parameter(torch.empty(shape))
        self.preference_I = nn.Parameter(torch.zeros(shape[0]))
        self.rating_IH = nn.Parameter(torch.empty(shape))
        self.rating_I = nn.Parameter(torch.zeros(shape[0]))

    def start(self, generator: torch.Generator) -> None:
        """Draw the first weights."""
        nn.init.normal_(self.encoder_I3H, 0, 0.1, generator)
        nn.init.normal_(self.preference_IH, 0, 0.02, generator)
        nn.init.normal_(self.rating_IH, 0, 0.01, generator)

    def encode(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Encode users: float32 (B, H) within -1..1; and their biases: float32 (B,)."""
        counts_B = torch.bincount(batch.user, minlength=batch.num_users)
        unexplained = batch.value - self.mean - self.item_bias_I[batch.item]
        sums_B = torch.zeros(batch.num_users, device=unexplained.device).index_add_(0, batch.user, unexplained)
        bias_B = sums_B / (counts_B + USER_SHRINKAGE)
        residual = (unexplained - bias_B[batch.user]) / self.spread + batch.blur
        scale = counts_B.clamp(min=1).rsqrt()[batch.user]
        disliked = (batch.value < self.like_threshold).long()
        bags = Bags(
            batch.user.repeat_interleave(2),
            torch.stack((batch.item * CHANNELS + disliked, batch.item * CHANNELS + VALUE), 1).flatten(),
            torch.stack((scale, residual * scale), 1).flatten(),
            (batch.num_users, self.config.num_items * CHANNELS),
        )
        summed_BH = sum_bags(bags, self.encoder_I3H.flatten(0, 1))
        return 2 * torch.sigmoid(summed_BH + self.encoder_H) - 1, bias_B

    def loss(self, batch: Batch, generator: torch.Generator) -> Tensor:
        """Hide some ratings, blur the others, and measure how well all of them are found again."""
        kept = (torch.rand(len(batch.item), generator=generator) >= self.config.masking).to(batch.item.device)
        shown = batch.where(kept)
        blur = torch.randn(len(shown.item), generator=generator) * self.config.noise
        hidden_BH, bias_B = self.encode(replace(shown, blur=blur.to(batch.item.device)))
        rating_loss = self._rating_loss(batch, hidden_BH, bias_B, kept)
        return self._preference_loss(batch, hidden_BH) + self.config.rating_weight * rating_loss

    def _preference_loss(self, batch: Batch, hidden_BH: Tensor) -> Tensor:
        """Multinomial negative log-likelihood of the liked items, mean over users."""
        liked = batch.where(batch.value >= self.like_threshold)
        bags = Bags(liked.user, liked.item, torch.ones_like(liked.value), (batch.num_users, self.config.num_items))
        counts_B = torch.bincount(liked.user, minlength=batch.num_users)
        counts_I = torch.bincount(liked.item, minlength=self.config.num_items).float()
        who = torch.nonzero(counts_B).squeeze(1)  # for the others the product with every item would come to nothing
        partition_L = torch.logsumexp(hidden_BH.index_select(0, who) @ self.preference_IH.T + self.preference_I, dim=1)
        logits = (hidden_BH * sum_bags(bags, self.preference_IH)).sum() + counts_I @ self.preference_I
        return ((counts_B[who] * partition_L).sum() - logits) / batch.num_users

    def _rating_loss(self, batch: Batch, hidden_BH: Tensor, bias_B: Tensor, kept: Tensor) -> Tensor:
        """Squared error at the rated cells alone, stressed on the hidden ones; mean over users."""
        bags = Bags(batch.user, batch.item, batch.value, (batch.num_users, self.config.num_items))
        predicted = cells(bags, hidden_BH, self.rating_IH) + self.rating_I[batch.item]
        wanted = (batch.value - self.mean - self.item_bias_I[batch.item] - bias_B[batch.user]) / self.spread
        weight = torch.where(kept, 1 - self.config.stress, self.config.stress)
        return (weight * (predicted - wanted) ** 2).sum() / batch.num_users


class DenoisingAutoencoder(Model):
    """The trained network without its noise."""

    kind: ClassVar[str] = "denoising"

    def __init__(self, config: DenoisingConfig, scale: RatingScale, tensors: dict[str, Tensor]) -> None:
        self.config: DenoisingConfig = config
        self.scale = scale
        # One user's product with every item is a third quicker where a neuron's weights, not an item's, lie together.
        self._tensors = {**tensors, "preference_IH": tensors["preference_IH"].T.contiguous().T}
        self._biases = Biases.from_tensors(tensors)
        self._spread = float(tensors["spread"])
        self._reach = self._spread * float(tensors["trust"])
        self._network = DenoisingNetwork(config, self._biases, self._spread, scale.like_threshold)
        self._network.load_state_dict({name: self._tensors[name] for name in NAMES}, strict=False, assign=True)
        self._network.eval().requires_grad_(False)
        self._rows = {name: getattr(self._network, name).numpy() for name in NAMES}

    def preference(self, rows: Rows) -> Values:
        """Logits of every item: float32 (B, I)."""
        hidden_BH, _ = self._encode(rows)
        return cast("Values", (hidden_BH @ self._network.preference_IH.T + self._network.preference_I).numpy())

    def rating(self, rows: Rows) -> Values:
        """Biases and the residual that the network reconstructs: float32 (B, I)."""
        hidden_BH, bias_B = self._encode(rows)
        residual_BI = hidden_BH @ self._network.rating_IH.T + self._network.rating_I
        predicted = residual_BI * self._reach + self._network.item_bias_I + bias_B[:, None] + self._biases.mean
        return clip_to_scale(predicted.numpy(), self.scale)

    def trust(self, given: Rows, targets: Rows) -> float:
        """Find the share of the reconstructed residuals, 0..1, that fits the targets best; 1 if there are none."""
        hidden_BH, bias_B = self._encode(given)
        wanted = Batch.of(targets, torch.device("cpu"))
        bags = Bags(wanted.user, wanted.item, wanted.value, (len(targets), self.config.num_items))
        residual = cells(bags, hidden_BH, self._network.rating_IH) + self._network.rating_I[wanted.item]
        left = wanted.value - self._biases.mean - self._network.item_bias_I[wanted.item] - bias_B[wanted.user]
        square = float((residual * residual).sum()) * self._spread
        return min(1.0, max(0.0, float((residual * left).sum()) / square)) if square > 0 else 1.0

    def _encode(self, rows: Rows) -> tuple[Tensor, Tensor]:
        return self._network.encode(Batch.of(rows, torch.device("cpu")))

    def preference_row(self, columns: Indices, values: Values) -> Values:
        """Logits of every item for one user, in numpy: float32 (I,)."""
        hidden_H, _ = self._encode_row(columns, values)
        return cast("Values", self._rows["preference_IH"] @ hidden_H + self._rows["preference_I"])

    def rating_row(self, columns: Indices, values: Values, wanted: Indices) -> Values:
        """Predicted ratings of the wanted columns, in numpy: float32 (K,)."""
        hidden_H, bias = self._encode_row(columns, values)
        residual_K = self._rows["rating_IH"][wanted] @ hidden_H + self._rows["rating_I"][wanted]
        baseline_K = self._biases.item[wanted] + np.float32(bias + self._biases.mean)
        return clip_to_scale(residual_K * np.float32(self._reach) + baseline_K, self.scale)

    def _encode_row(self, columns: Indices, values: Values) -> tuple[Values, float]:
        bias = self._biases.of_user(columns, values)
        residual = (values - self._biases.mean - self._biases.item[columns] - bias) / self._spread
        disliked = (values < self.scale.like_threshold).astype(np.int64)
        table = self._rows["encoder_I3H"]
        summed_H = table[columns, disliked].sum(axis=0) + residual @ table[columns, VALUE]
        summed_H = summed_H * np.float32(max(1, len(columns)) ** -0.5) + self._rows["encoder_H"]
        return np.tanh(summed_H / 2), bias  # 2 sigmoid(x) - 1, without overflow

    def tensors(self) -> dict[str, Tensor]:
        """Give the weights, the biases, the spread of the residuals and the trust in those reconstructed."""
        return self._tensors

    @classmethod
    def from_tensors(cls, config: dict[str, object], scale: RatingScale, tensors: dict[str, Tensor]) -> Self:
        """Build from what `tensors` gave."""
        return cls(DenoisingConfig(**config), scale, tensors)  # type: ignore[arg-type]


NAMES = ("encoder_I3H", "encoder_H", "preference_IH", "preference_I", "rating_IH", "rating_I")


class DenoisingFitter(GradientFitter):
    """Fits the network; biases and spread come from the training rows beforehand."""

    network: DenoisingNetwork

    def build(self, task: FitTask, generator: torch.Generator) -> DenoisingNetwork:
        """Build the network around the biases of the training rows."""
        self._config = config_from(DenoisingConfig, task.train.num_items, task.config)
        if self._config.num_hidden is None:
            is_short = task.train.rows.num_ratings < SHORT_ROW * task.train.num_users
            self._config = replace(self._config, num_hidden=NARROW if is_short else WIDE)
        self._biases = Biases.fit(task.train)
        residuals = self._biases.residuals(task.train.rows)
        self._spread = max(float(residuals.std()) if len(residuals) else 1.0, 1e-3)
        threshold = task.train.scale.like_threshold
        network = DenoisingNetwork(self._config, self._biases, self._spread, threshold)
        network.start(generator)
        return network

    def weight_decay(self) -> float:
        """Weight decay of the config."""
        return self._config.weight_decay

    def model(self) -> DenoisingAutoencoder:
        """Copy the weights as they are; reconstructed residuals count as far as they help the validation users."""
        tensors = {name: p.detach().cpu().clone() for name, p in self.network.named_parameters()}
        tensors |= {**self._biases.tensors(), "spread": torch.tensor([self._spread]).double()}
        scale, task = self._task.train.scale, self._task
        plain = DenoisingAutoencoder(self._config, scale, {**tensors, "trust": torch.ones(1).double()})
        trust = torch.tensor([plain.trust(task.given, task.targets)]).double()
        return DenoisingAutoencoder(self._config, scale, {**tensors, "trust": trust})
