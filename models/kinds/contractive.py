"""Contractive autoencoder: a penalty keeps the code from changing much when the row does.

Source: Rifai et al., "Contractive Auto-Encoders: Explicit Invariance During Feature Extraction", ICML 2011, equation 5.
Shape letters: B users in a batch, I items, H hidden units.

The penalty is the squared Frobenius norm of the code's Jacobian, in closed form. A user with n ratings is a row x over
the 3 I input channels, their sums are a = W'x / sqrt(n) + b, and their code is h = 2 sigmoid(a) - 1. With the sigmoid
s = (h + 1) / 2, dh_j/da_j = 2 s_j (1 - s_j) = (1 - h_j^2) / 2, and da_j/dx_k = W_kj / sqrt(n). So, with n held,

    ||dh/dx||^2 = sum_j sum_k ((1 - h_j^2) / 2)^2 W_kj^2 / n = 1/n sum_j ((1 - h_j^2) / 2)^2 ||W_j||^2
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from models.networks.base import Batch, NetworkConfig, SigmoidNetwork
from models.networks.gradient_fitter import GradientFitter
from models.networks.model import NetworkModel


@dataclass(frozen=True, kw_only=True)
class ContractiveConfig(NetworkConfig):
    """Hyper-parameters of `contractive`."""

    contraction: float = 0.1  # lambda, the weight of the penalty
    graded: bool = True

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.contraction < 0:
            raise ValueError("contraction must be 0 or more")


class ContractiveNetwork(SigmoidNetwork):
    """One sigmoid layer that sees the whole row, with a penalty on the Jacobian of its code."""

    config: ContractiveConfig

    def loss(self, batch: Batch, generator: torch.Generator) -> Tensor:
        """Return both reconstruction losses plus the penalty, mean over users."""
        code_BH, bias_B = self.encode(batch)
        rating_loss = self.rating_loss(batch, code_BH, bias_B)
        preference_loss = self.preference_loss(batch, code_BH, graded=self.config.graded)
        penalty = self.jacobian_norms(code_BH, batch.counts).mean()
        return preference_loss + self.config.rating_weight * rating_loss + self.config.contraction * penalty

    def jacobian_norms(self, code_BH: Tensor, counts_B: Tensor) -> Tensor:
        """Return the squared Frobenius norm of each user's Jacobian: float32 (B,)."""
        norm_H = self.encoder_I3H.square().sum((0, 1))
        slope_BH = (1 - code_BH**2) / 2
        return slope_BH**2 @ norm_H / counts_B.clamp(min=1)


class ContractiveAutoencoder(NetworkModel):
    """The trained network."""

    kind = "contractive"
    config_class = ContractiveConfig
    network_class = ContractiveNetwork


class ContractiveFitter(GradientFitter):
    """Fits the network."""

    model_class = ContractiveAutoencoder
