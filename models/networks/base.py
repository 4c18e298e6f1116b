"""Networks that reconstruct a row of ratings twice: as what to recommend, and as how it will be rated.

A row is an embedding sum; a kind says what comes of the sum (`Network.code`) and what is learned from it
(`Network.loss`); two linear outputs read the code.
Shape letters: B users in a batch, I items, E ratings in a batch, H hidden units, D units of the code.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn, tensor

from models.core.interactions import Interactions, RatingScale, Rows, Values
from models.networks.losses import multinomial
from models.networks.sparse_ops import Bags, cells, sum_bags
from models.rating_prediction.biases import USER_SHRINKAGE, Biases

CHANNELS = 3  # liked, disliked, value
VALUE = 2
WIDE, NARROW = 400, 200
SHORT_ROW = 20  # mean ratings of a user below which the narrow layer does: half the time of a fit


@dataclass(frozen=True, kw_only=True)
class NetworkConfig:
    """Hyper-parameters that every network has."""

    num_items: int  # I
    num_hidden: int | None = None  # H, more than I is allowed; None: `WIDE`, or `NARROW` where rows are short
    rating_weight: float = 1.0  # of the rating loss beside the preference loss
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
    """What is known of the training ratings before the first step.

    Attributes:
        biases: the baseline of a rating; the network predicts what it leaves.
        spread: standard deviation of what it leaves.
        scale: the declared scale.
    """

    biases: Biases
    spread: float
    scale: RatingScale

    @classmethod
    def fit(cls, train: Interactions) -> Baseline:
        """Estimate all from the training rows alone."""
        biases = Biases.fit(train)
        residuals = biases.residuals(train.rows)
        return cls(biases, max(float(residuals.std()) if len(residuals) else 1.0, 1e-3), train.scale)

    def tensors(self) -> dict[str, Tensor]:
        """Return the numbers under the names that `from_tensors` reads."""
        return {**self.biases.tensors(), "spread": tensor([self.spread]).double()}

    @classmethod
    def from_tensors(cls, tensors: dict[str, Tensor], scale: RatingScale) -> Baseline:
        """Build from what `tensors` gave."""
        return cls(Biases.from_tensors(tensors), float(tensors["spread"]), scale)


@dataclass(frozen=True)
class Batch:
    """Rows of B users as tensors on the training device.

    Attributes:
        user: int64 (E,), row of each rating.
        item: int64 (E,), column of each rating.
        value: float32 (E,).
        num_users: B.
        blur: float32 (E,) or 0: noise that the encoder adds to the values, in its own units.
    """

    user: Tensor
    item: Tensor
    value: Tensor
    num_users: int
    blur: Tensor | float = 0.0

    def where(self, kept: Tensor) -> Batch:
        """Keep the entries that are ``kept`` (bool (E,)); the users stay, some perhaps without entries."""
        places = torch.nonzero(kept).squeeze(1)
        return Batch(self.user[places], self.item[places], self.value[places], self.num_users)

    @property
    def counts(self) -> Tensor:
        """Ratings of each user: int64 (B,)."""
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
    """Write ratings as the encoder reads them, two entries each: a liked or disliked channel, and the value."""
    scale = batch.counts.clamp(min=1).rsqrt()[batch.user]
    return Bags(
        batch.user.repeat_interleave(2),
        torch.stack((channel, batch.item * CHANNELS + VALUE), 1).flatten(),
        torch.stack((scale, residual * scale), 1).flatten(),
        (batch.num_users, num_items * CHANNELS),
    )


class Network(nn.Module):
    """An embedding sum, what a kind makes of it, and two linear outputs.

    Item axes come first and are named in ``item_axes``, so that the weights can follow a vocabulary that grows.
    """

    item_bias_I: Tensor  # noqa: N815 - a buffer

    item_axes = frozenset({"encoder_I3H", "preference_ID", "preference_I", "rating_ID", "rating_I"})

    def __init__(self, config: NetworkConfig, baseline: Baseline, num_code: int | None = None) -> None:
        """Lay out the weights; ``num_code`` (D) is the hidden layer's width unless it is given."""
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

    def start(self, generator: torch.Generator) -> None:
        """Draw the first weights."""
        nn.init.normal_(self.encoder_I3H, 0, 0.1, generator)
        nn.init.normal_(self.preference_ID, 0, 0.02, generator)
        nn.init.normal_(self.rating_ID, 0, 0.01, generator)

    @abstractmethod
    def loss(self, batch: Batch, generator: torch.Generator) -> Tensor:
        """Mean loss of a batch, corrupted with noise from the generator."""

    @abstractmethod
    def code(self, summed_BH: Tensor) -> Tensor:
        """Turn the embedding sums of users into their codes, without noise: float32 (B, D)."""

    def code_row(self, summed_H: Values) -> Values:
        """Turn one user's sum into his code, in numpy where that is quicker: float32 (D,), equal to `code`."""
        with torch.inference_mode():
            row: Values = self.code(torch.from_numpy(summed_H)[None])[0].numpy()
        return row

    def encode(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Encode users: float32 (B, D); and their biases: float32 (B,)."""
        summed_BH, bias_B = self.embed(batch)
        return self.code(summed_BH), bias_B

    def embed(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Sum the embeddings of each user's ratings: float32 (B, H); and find the users' biases: float32 (B,)."""
        bags, bias_B = self.inputs(batch)
        return self.summed(bags), bias_B

    def summed(self, inputs: Bags) -> Tensor:
        """Sum the embeddings of `inputs`: float32 (B, H)."""
        return sum_bags(inputs, self.encoder_I3H.flatten(0, 1)) + self.encoder_H

    def inputs(self, batch: Batch) -> tuple[Bags, Tensor]:
        """Write users as the encoder reads them; and find their biases: float32 (B,).

        A rating of an item is a 1 in its liked or its disliked channel and the residual, in spreads, in its value
        channel; all of that divided by the root of how many the user has.
        """
        residual, bias_B = self.standing(batch)
        return rating_bags(batch, self.channel(batch), residual + batch.blur, self.config.num_items), bias_B

    def channel(self, batch: Batch) -> Tensor:
        """Find the encoder's row of each rating: its item's liked or disliked one; int64 (E,)."""
        return batch.item * CHANNELS + ~self.is_liked(batch)

    def standing(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Find what the biases leave of the ratings: float32 (E,), in spreads; and the users' biases: float32 (B,)."""
        unexplained = batch.value - self.baseline.biases.mean - self.item_bias_I[batch.item]
        sums_B = torch.zeros(batch.num_users, device=unexplained.device).index_add_(0, batch.user, unexplained)
        bias_B = sums_B / (batch.counts + USER_SHRINKAGE)
        return (unexplained - bias_B[batch.user]) / self.baseline.spread, bias_B

    def targets(self, batch: Batch, weight_E: Tensor) -> Bags:
        """Lay the ratings of a batch out as a sparse (B, I) of weights."""
        return Bags(batch.user, batch.item, weight_E, (batch.num_users, self.config.num_items))

    def is_liked(self, batch: Batch) -> Tensor:
        """Return which ratings of a batch are liked: bool (E,)."""
        return batch.value >= self.baseline.scale.like_threshold

    def grades(self, batch: Batch) -> Tensor:
        """Put the ratings of a batch on 0..1, the lowest of the scale to the highest: float32 (E,)."""
        scale = self.baseline.scale
        return (batch.value - scale.minimum) / (scale.maximum - scale.minimum)

    def residuals(self, batch: Batch, code_BD: Tensor, bias_B: Tensor) -> tuple[Tensor, Tensor]:
        """Return what the rating output says at the rated cells, and what is wanted there: float32 (E,), in spreads."""
        bags = self.targets(batch, batch.value)
        predicted = cells(bags, code_BD, self.rating_ID) + self.rating_I[batch.item]
        unexplained = batch.value - self.baseline.biases.mean - self.item_bias_I[batch.item]
        return predicted, (unexplained - bias_B[batch.user]) / self.baseline.spread

    def rating_loss(self, batch: Batch, code_BD: Tensor, bias_B: Tensor, weight_E: Tensor | float = 1.0) -> Tensor:
        """Squared error at the rated cells alone, each with its weight; mean over users."""
        predicted, wanted = self.residuals(batch, code_BD, bias_B)
        return (weight_E * (predicted - wanted) ** 2).sum() / batch.num_users

    def preference_loss(self, batch: Batch, code_BD: Tensor, *, graded: bool) -> Tensor:
        """Multinomial loss over all items, with every rated one as a target by its grade, or every liked one alike."""
        wanted = batch if graded else batch.where(self.is_liked(batch))
        weight_E = self.grades(wanted) if graded else torch.ones_like(wanted.value)
        return multinomial(code_BD, self.preference_ID, self.preference_I, self.targets(wanted, weight_E))

    def trust(self, given: Batch, targets: Batch) -> float:
        """Find the share of the reconstructed residuals, 0..1, that fits the targets best; 1 if there are none."""
        predicted, wanted = self.residuals(targets, *self.encode(given))
        square = float((predicted * predicted).sum())
        return min(1.0, max(0.0, float((predicted * wanted).sum()) / square)) if square > 0 else 1.0


class SigmoidNetwork(Network):
    """One sigmoid layer between the embedding sum and the outputs, shifted so that 0 is its middle."""

    def code(self, summed_BH: Tensor) -> Tensor:
        """Squash the sums: float32 (B, H) within -1..1."""
        return 2 * torch.sigmoid(summed_BH) - 1

    def code_row(self, summed_H: Values) -> Values:
        """Squash one user's sum: float32 (H,)."""
        return np.tanh(summed_H / 2)  # 2 sigmoid(x) - 1, without overflow
