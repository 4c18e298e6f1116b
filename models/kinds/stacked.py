"""Stacked denoising autoencoder: residual layers, and re-feeding, which makes the output a fixed point.

Sources: Vincent et al., "Stacked Denoising Autoencoders", JMLR 2010 (each layer encodes the code of the layer below);
He et al., "Identity Mappings in Deep Residual Networks", ECCV 2016, with Ba et al., "Layer Normalization", 2016 (so
that depth does not stop the fit, and no layer-wise pre-training is needed);
Zhang et al., "Fixup Initialization: Residual Learning without Normalization", ICLR 2019 (residual layers start at 0);
Kuchaiev & Ginsburg, "Training Deep AutoEncoders for Collaborative Filtering", 2017, section 2.3 (dense re-feeding).
Shape letters: B users in a batch, I items, H units of every layer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn.functional import layer_norm

from models.networks.base import VALUE, Baseline, Batch, Network, NetworkConfig, SigmoidNetwork
from models.networks.gradient_fitter import GradientFitter
from models.networks.layers import MixingLayer
from models.networks.losses import sum_squared_products
from models.networks.model import NetworkModel

GAIN = 0.1  # of a normalised code, before it is mixed


@dataclass(frozen=True, kw_only=True)
class StackedConfig(NetworkConfig):
    """Hyper-parameters of `stacked`."""

    num_layers: int = 2  # residual layers above the first
    masking: float = 0.5  # share of a user's ratings hidden from the encoder, 0..1
    refeeding: float = 0.0  # weight of the second pass over the dense output; 0: no second pass
    graded: bool = True

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.num_layers < 1:
            raise ValueError("num_layers must be 1 or more")
        if not 0 <= self.masking < 1:
            raise ValueError("masking must lie in 0..1, 1 excluded")
        if self.refeeding < 0:
            raise ValueError("refeeding must be 0 or more")


class ResidualLayer(MixingLayer):
    """Adds to a code a normalised, mixed and squashed copy of it.

    It starts at 0 and with a small gain: the normalised copy is many times as large as an early code, which would
    otherwise be drowned in noise.
    """

    def init_weights(self) -> None:
        """Set the initial weights."""
        nn.init.zeros_(self.mix_HH)
        nn.init.constant_(self.gain_H, GAIN)

    def forward(self, code_BH: Tensor) -> Tensor:
        """Add the layer's own code: float32 (B, H)."""
        normal_BH = layer_norm(code_BH, self.mix_H.shape, self.gain_H, self.shift_H)
        return code_BH + torch.tanh(normal_BH @ self.mix_HH + self.mix_H)


class StackedNetwork(SigmoidNetwork):
    """A sigmoid layer, residual layers above it, and the outputs on top."""

    config: StackedConfig

    def __init__(self, config: StackedConfig, baseline: Baseline) -> None:
        super().__init__(config, baseline)
        self.layers = nn.Sequential(*(ResidualLayer(config.width) for _ in range(config.num_layers)))

    def init_weights(self, generator: torch.Generator) -> None:
        """Draw the initial weights."""
        super().init_weights(generator)
        for layer in self.layers:
            cast("ResidualLayer", layer).init_weights()

    def code(self, summed_BH: Tensor) -> Tensor:
        """Pass the sums through every layer: float32 (B, H)."""
        code_BH = super().code(summed_BH)
        return cast("Tensor", self.layers(code_BH))

    code_row = Network.code_row

    def loss(self, batch: Batch, generator: torch.Generator) -> Tensor:
        """Return the loss of reconstructing all ratings with some hidden, plus that of re-feeding."""
        kept = (torch.rand(len(batch.item), generator=generator) >= self.config.masking).to(batch.item.device)
        code_BH, bias_B = self.encode(batch.where(kept))
        loss = self.config.rating_weight * self.rating_loss(batch, code_BH, bias_B)
        loss = loss + self.preference_loss(batch, code_BH, graded=self.config.graded)
        return loss + self.config.refeeding * self.refeeding_loss(code_BH.detach()) if self.config.refeeding else loss

    def refeeding_loss(self, code_BH: Tensor) -> Tensor:
        """Return the squared change of the reconstructed residuals when they are fed in again; mean over users.

        The dense row y = V c + v and its second reconstruction f(y) = V c' + v are never formed: the embedding sum of y
        is (E'V) c + E'v with E the embeddings of the value channel, and f(y) - y = V (c' - c).
        """
        value_IH, num_items = self.encoder_I3H[:, VALUE], self.config.num_items
        summed_BH = code_BH @ (self.rating_ID.T @ value_IH) + self.rating_I @ value_IH
        again_BH = self.code(summed_BH * num_items**-0.5 + self.encoder_H)
        return sum_squared_products(again_BH - code_BH, self.rating_ID) / len(code_BH)


class StackedAutoencoder(NetworkModel):
    """The trained network without its noise."""

    kind = "stacked"
    config_class = StackedConfig
    network_class = StackedNetwork


class StackedFitter(GradientFitter):
    """Fits the network."""

    model_class = StackedAutoencoder
