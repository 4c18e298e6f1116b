"""Denoising autoencoder with two outputs: preferences and predicted ratings.

Sources: Liang et al., "Variational Autoencoders for Collaborative Filtering", WWW 2018 (Mult-DAE:
the preference output);
Strub et al., "Hybrid Recommender System based on Autoencoders", DLRS 2016 (CFN: alpha and beta
weight the loss of hidden and of shown cells).
Shape letters: B users in a batch, I items, E ratings in a batch, H hidden units.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from models.networks.base import Batch, NetworkConfig, SigmoidNetwork
from models.networks.gradient_fitter import GradientFitter
from models.networks.model import NetworkModel


@dataclass(frozen=True, kw_only=True)
class DenoisingConfig(NetworkConfig):
    """Hyper-parameters of `denoising`."""

    masking: float = 0.5  # share of a user's ratings hidden from the encoder, 0..1
    noise: float = 0.1  # standard deviation of the noise on the values, in standard deviations of a residual
    stress: float = 0.5  # CFN's alpha: weight of the hidden cells in the rating loss, 0..1; the shown have 1 - stress

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 <= self.masking < 1:
            raise ValueError("masking must lie in 0..1, 1 excluded")
        if not 0 <= self.stress <= 1:
            raise ValueError("stress must lie in 0..1")


class DenoisingNetwork(SigmoidNetwork):
    """One sigmoid layer that sees half of a row and reconstructs the whole."""

    config: DenoisingConfig

    def loss(self, batch: Batch, generator: torch.Generator) -> Tensor:
        """Return the loss of reconstructing all ratings with some hidden and noise added to the others."""
        kept = (torch.rand(len(batch.item), generator=generator) >= self.config.masking).to(batch.item.device)
        shown = batch.where(kept)
        noise = torch.randn(len(shown.item), generator=generator) * self.config.noise
        code_BH, bias_B = self.encode(replace(shown, noise=noise.to(batch.item.device)))
        weight_E = torch.where(kept, 1 - self.config.stress, self.config.stress)
        rating_loss = self.rating_loss(batch, code_BH, bias_B, weight_E)
        preference_loss = self.preference_loss(batch, code_BH, graded=False)
        return preference_loss + self.config.rating_weight * rating_loss


class DenoisingAutoencoder(NetworkModel):
    """The trained network without its noise."""

    kind = "denoising"
    config_class = DenoisingConfig
    network_class = DenoisingNetwork


class DenoisingFitter(GradientFitter):
    """Fits the network."""

    model_class = DenoisingAutoencoder
