"""Networks that reconstruct a row of ratings twice: as preferences and as predicted ratings.

A row becomes a sum of embeddings; a kind defines the code computed from the sum (`Network.code`) and the loss
(`Network.loss`); two linear outputs read the code.
Shape letters: B users in a batch, I items, E ratings in a batch, H hidden units, D units of the code.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import KW_ONLY, dataclass

import numpy as np
import torch
from torch import Tensor, nn, tensor

from models.core.interactions import Interactions, RatingScale, Rows, Values
from models.networks.losses import multinomial
from models.networks.sparse_ops import Bags, sampled_products, sum_bags
from models.rating_prediction.biases import USER_SHRINKAGE, Biases

CHANNELS = 3  # liked, disliked, value
VALUE = 2
WIDE, NARROW = 400, 200
SHORT_ROW = 20  # mean ratings of a user below which the narrow layer is enough, in half the time


@dataclass(frozen=True, kw_only=True)
class NetworkConfig:
    """Hyper-parameters that every network has."""

    num_items: int  # I
    num_hidden: int | None = None  # H, may exceed I; None: `WIDE`, or `NARROW` if rows are short
    rating_weight: float = 1.0  # of the rating loss; the preference loss has weight 1
    weight_decay: float = 1e-5

    def __post_init__(self) -> None:
        if self.num_hidden is not None and self.num_hidden < 1:
            raise ValueError("num_hidden must be 1 or more")

    @property
    def width(self) -> int:
        """H."""
        return self.num_hidden or WIDE


@dataclass(frozen=True)
class Baseline:
    """Statistics of the training ratings, computed before the first step.

    Attributes:
        biases: the baseline of a rating; the network predicts the residuals.
        std: standard deviation of the residuals.
        scale: the declared scale.
    """

    biases: Biases
    std: float
    scale: RatingScale

    @classmethod
    def fit(cls, train: Interactions) -> Baseline:
        """Estimate everything from the training rows."""
        biases = Biases.fit(train)
        residuals = biases.residuals(train.rows)
        return cls(biases, max(float(residuals.std()) if len(residuals) else 1.0, 1e-3), train.scale)

    def tensors(self) -> dict[str, Tensor]:
        """Return biases and standard deviation under the names that `from_tensors` reads."""
        return {**self.biases.tensors(), "spread": tensor([self.std]).double()}

    @classmethod
    def from_tensors(cls, tensors: dict[str, Tensor], scale: RatingScale) -> Baseline:
        """Build from the result of `tensors`."""
        return cls(Biases.from_tensors(tensors), float(tensors["spread"]), scale)


@dataclass(frozen=True)
class Batch:
    """Rows of B users as tensors on the training device.

    Attributes:
        user: int64 (E,), row of each rating.
        item: int64 (E,), column of each rating.
        value: float32 (E,).
        num_users: B.
        noise: float32 (E,) or 0: added by the encoder to the residuals, in standard deviations.
    """

    user: Tensor
    item: Tensor
    value: Tensor
    num_users: int
    _: KW_ONLY
    noise: Tensor | float = 0.0

    def where(self, kept: Tensor) -> Batch:
        """Keep the entries that are ``kept`` (bool (E,)); all users stay, some perhaps without entries."""
        places = torch.nonzero(kept).squeeze(1)
        return Batch(self.user[places], self.item[places], self.value[places], self.num_users)

    @property
    def counts(self) -> Tensor:
        """Number of ratings of each user: int64 (B,)."""
        return torch.bincount(self.user, minlength=self.num_users)

    @classmethod
    def of(cls, rows: Rows, device: torch.device) -> Batch:
        """Copy rows to the device."""
        return cls(
            torch.from_numpy(rows.row_of_entry).to(device),
            torch.from_numpy(rows.columns.astype(np.int64)).to(device),
            torch.from_numpy(rows.values).to(device),
            len(rows),
        )


def rating_bags(batch: Batch, channel: Tensor, residual: Tensor, num_items: int) -> Bags:
    """Lay out ratings as inputs of the encoder, two entries each: a liked or disliked channel, and the value."""
    scale = batch.counts.clamp(min=1).rsqrt()[batch.user]
    return Bags(
        batch.user.repeat_interleave(2),
        torch.stack((channel, batch.item * CHANNELS + VALUE), 1).flatten(),
        torch.stack((scale, residual * scale), 1).flatten(),
        (batch.num_users, num_items * CHANNELS),
    )


class Network(nn.Module):
    """A sum of embeddings, a code that the kind computes from it, and two linear outputs.

    Item axes come first and the weights that have one are listed in ``item_axes``, so that they can be mapped to a
    vocabulary that has grown.
    """

    item_bias_I: Tensor  # noqa: N815 - a buffer

    item_axes = frozenset({"encoder_I3H", "preference_ID", "preference_I", "rating_ID", "rating_I"})

    def __init__(self, config: NetworkConfig, baseline: Baseline, num_code: int | None = None) -> None:
        """Allocate the weights; ``num_code`` (D) defaults to the width of the hidden layer."""
        super().__init__()
        self.config = config
        self.baseline = baseline
        self.register_buffer("item_bias_I", torch.from_numpy(baseline.biases.item))
        num_items, num_hidden = config.num_items, config.width
        num_code = num_code or num_hidden
        self.encoder_I3H = nn.Parameter(torch.empty(num_items, CHANNELS, num_hidden))
        self.encoder_H = nn.Parameter(torch.zeros(num_hidden))
        self.preference_ID = nn.Parameter(torch.empty(num_items, num_code))
        self.preference_I = nn.Parameter(torch.zeros(num_items))
        self.rating_ID = nn.Parameter(torch.empty(num_items, num_code))
        self.rating_I = nn.Parameter(torch.zeros(num_items))

    def init_weights(self, generator: torch.Generator) -> None:
        """Draw the initial weights."""
        nn.init.normal_(self.encoder_I3H, 0, 0.1, generator)
        nn.init.normal_(self.preference_ID, 0, 0.02, generator)
        nn.init.normal_(self.rating_ID, 0, 0.01, generator)

    @abstractmethod
    def loss(self, batch: Batch, generator: torch.Generator) -> Tensor:
        """Return the mean loss of a batch, corrupted with noise from the generator."""

    @abstractmethod
    def code(self, summed_BH: Tensor) -> Tensor:
        """Compute the codes of users from their sums of embeddings, without noise: float32 (B, D)."""

    def code_row(self, summed_H: Values) -> Values:
        """Compute one user's code from their sum, in numpy where that is faster: float32 (D,), equal to `code`."""
        with torch.inference_mode():
            row: Values = self.code(torch.from_numpy(summed_H)[None])[0].numpy()
        return row

    def encode(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Return the users' codes, float32 (B, D), and their biases, float32 (B,)."""
        summed_BH, bias_B = self.embed(batch)
        return self.code(summed_BH), bias_B

    def embed(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Return the sum of each user's embeddings, float32 (B, H), and the users' biases, float32 (B,)."""
        bags, bias_B = self.inputs(batch)
        return self.sum_embeddings(bags), bias_B

    def sum_embeddings(self, inputs: Bags) -> Tensor:
        """Sum the embeddings of `inputs`: float32 (B, H)."""
        return sum_bags(inputs, self.encoder_I3H.flatten(0, 1)) + self.encoder_H

    def inputs(self, batch: Batch) -> tuple[Bags, Tensor]:
        """Return the inputs of the encoder, and the users' biases: float32 (B,).

        A rating of an item is a 1 in its liked or its disliked channel, and its residual, in standard deviations, in
        its value channel; both divided by the square root of the user's number of ratings.
        """
        residual, bias_B = self.residuals_of(batch)
        return rating_bags(batch, self.channel(batch), residual + batch.noise, self.config.num_items), bias_B

    def channel(self, batch: Batch) -> Tensor:
        """Return the encoder's row of each rating, the liked or disliked one of its item: int64 (E,)."""
        return batch.item * CHANNELS + ~self.is_liked(batch)

    def residuals_of(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Return the ratings' residuals, float32 (E,), in standard deviations, and the users' biases, float32 (B,)."""
        deviations = batch.value - self.baseline.biases.mean - self.item_bias_I[batch.item]
        sums_B = torch.zeros(batch.num_users, device=deviations.device).index_add_(0, batch.user, deviations)
        bias_B = sums_B / (batch.counts + USER_SHRINKAGE)
        return (deviations - bias_B[batch.user]) / self.baseline.std, bias_B

    def targets(self, batch: Batch, weight_E: Tensor) -> Bags:
        """Lay out the ratings of a batch as a sparse matrix (B, I) of weights."""
        return Bags(batch.user, batch.item, weight_E, (batch.num_users, self.config.num_items))

    def is_liked(self, batch: Batch) -> Tensor:
        """Return which ratings of a batch are liked: bool (E,)."""
        return batch.value >= self.baseline.scale.like_threshold

    def grades(self, batch: Batch) -> Tensor:
        """Map the ratings of a batch to 0..1, from the lowest of the scale to the highest: float32 (E,)."""
        scale = self.baseline.scale
        return (batch.value - scale.minimum) / (scale.maximum - scale.minimum)

    def residual_pairs(self, batch: Batch, code_BD: Tensor, bias_B: Tensor) -> tuple[Tensor, Tensor]:
        """Return predicted and true residuals at the rated cells: float32 (E,) each, in standard deviations."""
        bags = self.targets(batch, batch.value)
        predicted = sampled_products(bags, code_BD, self.rating_ID) + self.rating_I[batch.item]
        deviations = batch.value - self.baseline.biases.mean - self.item_bias_I[batch.item]
        return predicted, (deviations - bias_B[batch.user]) / self.baseline.std

    def rating_loss(self, batch: Batch, code_BD: Tensor, bias_B: Tensor, weight_E: Tensor | float = 1.0) -> Tensor:
        """Return the squared error at the rated cells only, each with its weight; mean over users."""
        predicted, wanted = self.residual_pairs(batch, code_BD, bias_B)
        return (weight_E * (predicted - wanted) ** 2).sum() / batch.num_users

    def preference_loss(self, batch: Batch, code_BD: Tensor, *, graded: bool) -> Tensor:
        """Return the multinomial loss over all items; targets are the rated ones by grade, or the liked ones alike."""
        wanted = batch if graded else batch.where(self.is_liked(batch))
        weight_E = self.grades(wanted) if graded else torch.ones_like(wanted.value)
        return multinomial(code_BD, self.preference_ID, self.preference_I, self.targets(wanted, weight_E))

    def residual_shrinkage(self, given: Batch, targets: Batch) -> float:
        """Return the factor for the predicted residuals, 0..1, that fits the targets best; 1 if there are none."""
        predicted, wanted = self.residual_pairs(targets, *self.encode(given))
        square = float((predicted * predicted).sum())
        return min(1.0, max(0.0, float((predicted * wanted).sum()) / square)) if square > 0 else 1.0


class SigmoidNetwork(Network):
    """One sigmoid layer between the sum of embeddings and the outputs, shifted so that its centre is 0."""

    def code(self, summed_BH: Tensor) -> Tensor:
        """Squash the sums to -1..1: float32 (B, H)."""
        return 2 * torch.sigmoid(summed_BH) - 1

    def code_row(self, summed_H: Values) -> Values:
        """Squash one user's sum: float32 (H,)."""
        return np.tanh(summed_H / 2)  # 2 sigmoid(x) - 1, without overflow
