"""The plain autoencoder: one hidden sigmoid layer, linear outputs, squared reconstruction error.

Source: Sedhain et al., "AutoRec: Autoencoders Meet Collaborative Filtering", WWW 2015. Their one output sees rated
cells alone, which predicts ratings and ranks badly; the preference output here is squared error over the whole row.
Shape letters: B users in a batch, I items, E ratings in a batch, H hidden units.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from models.networks.base import Batch, NetworkConfig, SigmoidNetwork
from models.networks.gradient_fitter import GradientFitter
from models.networks.losses import squared
from models.networks.model import NetworkModel


@dataclass(frozen=True, kw_only=True)
class BasicConfig(NetworkConfig):
    """Hyper-parameters of `basic`."""

    unrated: float = 0.1  # weight of a cell that is not rated in the preference loss, 0..1; a rated one has 1
    preference_weight: float = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 < self.unrated <= 1:
            raise ValueError("unrated must lie in 0..1, 0 excluded")


class BasicNetwork(SigmoidNetwork):
    """One sigmoid layer that reconstructs the row it sees: nothing is hidden from it, nothing is dropped."""

    config: BasicConfig

    def loss(self, batch: Batch, generator: torch.Generator) -> Tensor:
        """Squared error of the ratings, and of what to recommend: a rated item's grade, and 0 for all others."""
        code_BH, bias_B = self.encode(batch)
        targets = self.targets(batch, self.grades(batch))
        preference_loss = squared(code_BH, self.preference_ID, self.preference_I, targets, self.config.unrated)
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
