"""Plain autoencoder: one hidden sigmoid layer, linear outputs, squared reconstruction error.

Source: Sedhain et al., "AutoRec: Autoencoders Meet Collaborative Filtering", WWW 2015. Their only output is
trained on rated cells, which predicts ratings but ranks badly; the preference output here has squared error over the
whole row.
Shape letters: B users in a batch, I items, E ratings in a batch, H hidden units.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from models.networks.base import Batch, NetworkConfig, SigmoidNetwork
from models.networks.gradient_fitter import GradientFitter
from models.networks.losses import dense_squared_error
from models.networks.model import NetworkModel


@dataclass(frozen=True, kw_only=True)
class BasicConfig(NetworkConfig):
    """Hyper-parameters of `basic`."""

    unrated: float = 0.1  # weight of an unrated cell in the preference loss, 0..1; a rated one has 1
    preference_weight: float = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 < self.unrated <= 1:
            raise ValueError("unrated must lie in 0..1, 0 excluded")


class BasicNetwork(SigmoidNetwork):
    """One sigmoid layer that reconstructs the row it sees, without masking or dropout."""

    config: BasicConfig

    def loss(self, batch: Batch, generator: torch.Generator) -> Tensor:
        """Return the squared errors of ratings and preferences, whose targets are grades, and 0 if not rated."""
        code_BH, bias_B = self.encode(batch)
        targets = self.targets(batch, self.grades(batch))
        preference_loss = dense_squared_error(
            code_BH, self.preference_ID, self.preference_I, targets=targets, unrated=self.config.unrated
        )
        return self.config.preference_weight * preference_loss + self.config.rating_weight * self.rating_loss(
            batch, code_BH, bias_B
        )


class BasicAutoencoder(NetworkModel):
    """The trained network."""

    kind = "basic"
    config_class = BasicConfig
    network_class = BasicNetwork


class BasicFitter(GradientFitter):
    """Fits the network."""

    model_class = BasicAutoencoder
