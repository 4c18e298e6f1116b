"""Variational autoencoder after RecVAE: a deep encoder predicts mean and variance of a user's code.

Source: Shenbin et al., "RecVAE: a New Variational Autoencoder for Top-N Recommendations with Implicit Feedback",
WSDM 2020. It differs in its inputs (liked, disliked and value) and has a rating output too.
Shape letters: B users in a batch, I items, E ratings in a batch, H units of every encoder layer, D units of the code,
L layers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn.functional import layer_norm, silu

from models.fitting.fitter import FitTask, vocabulary_map
from models.networks.base import Baseline, Batch, Network, NetworkConfig
from models.networks.gradient_fitter import GradientFitter
from models.networks.layers import MixingLayer
from models.networks.model import NetworkModel
from models.networks.posterior import CompositePrior, Posterior

EPSILON = 0.1  # of the layer normalisation, as published


@dataclass(frozen=True, kw_only=True)
class VariationalConfig(NetworkConfig):
    """Hyper-parameters of `variational`."""

    num_latent: int = 200  # D
    num_layers: int = 5  # L
    masking: float = 0.5  # share of a user's ratings hidden from the encoder in training, 0..1
    kl_weight: float = 0.005  # of the divergence from the prior, per rating of the user
    standard_prior: float = 0.15  # weight of the standard normal in the prior, 0..1
    old_prior: float = 0.75  # weight of the posterior of the previous epoch; the rest is a wide normal
    encoder_passes: int = 3  # over the users, per epoch
    decoder_passes: int = 1
    graded: bool = True

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("num_latent", "num_layers", "encoder_passes", "decoder_passes"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be 1 or more")
        if not 0 <= self.masking < 1:
            raise ValueError("masking must lie in 0..1, 1 excluded")
        if self.kl_weight < 0:
            raise ValueError("kl_weight must be 0 or more")
        if min(self.prior_weights) < 0:
            raise ValueError("standard_prior and old_prior must be 0 or more, their sum 1 at most")

    @property
    def prior_weights(self) -> tuple[float, float, float]:
        """Weights of the standard normal, the old posterior and the wide normal."""
        return self.standard_prior, self.old_prior, 1 - self.standard_prior - self.old_prior


class DenseLayer(MixingLayer):
    """Mixes the code of the layer below, adds the codes of all layers below, squashes and normalises."""

    def init_weights(self, generator: torch.Generator) -> None:
        """Draw the initial weights."""
        nn.init.normal_(self.mix_HH, 0, (3 * len(self.mix_H)) ** -0.5, generator)

    def forward(self, code_BH: Tensor, below_BH: Tensor) -> Tensor:
        """Return the layer's code: float32 (B, H)."""
        mixed_BH = silu(torch.addmm(self.mix_H, code_BH, self.mix_HH) + below_BH)
        return layer_norm(mixed_BH, self.mix_H.shape, self.gain_H, self.shift_H, EPSILON)


class VariationalNetwork(Network):
    """Densely connected layers, a mean and a variance on top, and linear outputs that read the code."""

    config: VariationalConfig

    def __init__(self, config: VariationalConfig, baseline: Baseline) -> None:
        super().__init__(config, baseline, config.num_latent)
        num_hidden, num_latent = config.width, config.num_latent
        self.gain_H = nn.Parameter(torch.ones(num_hidden))
        self.shift_H = nn.Parameter(torch.zeros(num_hidden))
        self.layers = nn.ModuleList(DenseLayer(num_hidden) for _ in range(config.num_layers - 1))
        self.mean_HD = nn.Parameter(torch.empty(num_hidden, num_latent))
        self.mean_D = nn.Parameter(torch.zeros(num_latent))
        self.log_variance_HD = nn.Parameter(torch.empty(num_hidden, num_latent))
        self.log_variance_D = nn.Parameter(torch.zeros(num_latent))

    def init_weights(self, generator: torch.Generator) -> None:
        """Draw the initial weights."""
        super().init_weights(generator)
        nn.init.normal_(self.encoder_I3H, 0, 0.01, generator)
        for layer in self.layers:
            cast("DenseLayer", layer).init_weights(generator)
        for head_HD in (self.mean_HD, self.log_variance_HD):
            nn.init.normal_(head_HD, 0, (3 * len(head_HD)) ** -0.5, generator)

    @property
    def decoder(self) -> dict[str, nn.Parameter]:
        """Weights of the two outputs; all others belong to the encoder."""
        names = ("preference_ID", "preference_I", "rating_ID", "rating_I")
        return {name: self.get_parameter(name) for name in names}

    @property
    def encoder(self) -> dict[str, nn.Parameter]:
        """Weights of everything below the code."""
        return {name: weight for name, weight in self.named_parameters() if name not in self.decoder}

    def hidden(self, summed_BH: Tensor) -> Tensor:
        """Pass the sums through every layer: float32 (B, H)."""
        code_BH = layer_norm(silu(summed_BH), self.gain_H.shape, self.gain_H, self.shift_H, EPSILON)
        below_BH = code_BH
        for layer in self.layers:
            code_BH = layer(code_BH, below_BH)
            below_BH = below_BH + code_BH
        return code_BH

    def code(self, summed_BH: Tensor) -> Tensor:
        """Return the means, without noise: float32 (B, D)."""
        return torch.addmm(self.mean_D, self.hidden(summed_BH), self.mean_HD)

    def forward(self, batch: Batch) -> tuple[Posterior, Tensor]:
        """Return the posterior of the users' codes, and the users' biases: float32 (B,)."""
        summed_BH, bias_B = self.embed(batch)
        hidden_BH = self.hidden(summed_BH)
        mean_BD = torch.addmm(self.mean_D, hidden_BH, self.mean_HD)
        return Posterior(mean_BD, torch.addmm(self.log_variance_D, hidden_BH, self.log_variance_HD)), bias_B

    def loss(self, batch: Batch, generator: torch.Generator) -> Tensor:
        """Return the loss of the outputs: reconstruction from codes drawn from the posterior, without masking."""
        posterior, bias_B = self(batch)
        return self.reconstruction_loss(batch, posterior.sample(generator), bias_B)

    def encoder_loss(self, batch: Batch, old: Posterior, generator: torch.Generator) -> Tensor:
        """Return the loss of the encoder: reconstruction with some ratings hidden, and divergence from the prior."""
        kept = (torch.rand(len(batch.item), generator=generator) >= self.config.masking).to(batch.item.device)
        posterior, bias_B = self(batch.where(kept))
        code_BD = posterior.sample(generator)
        divergence_B = self.divergence(posterior, code_BD, old)
        penalty = self.config.kl_weight * (batch.counts * divergence_B).sum() / batch.num_users
        return self.reconstruction_loss(batch, code_BD, bias_B) + penalty

    def divergence(self, posterior: Posterior, code_BD: Tensor, old: Posterior) -> Tensor:
        """Estimate the divergence of posterior and prior from one code: float32 (B,)."""
        prior = CompositePrior(old, self.config.prior_weights)
        return (posterior.log_density(code_BD) - prior.log_density(code_BD)).sum(dim=1)

    def reconstruction_loss(self, batch: Batch, code_BD: Tensor, bias_B: Tensor) -> Tensor:
        """Return the loss of both outputs over all ratings of a batch."""
        preference_loss = self.preference_loss(batch, code_BD, graded=self.config.graded)
        return preference_loss + self.config.rating_weight * self.rating_loss(batch, code_BD, bias_B)


class VariationalAutoencoder(NetworkModel):
    """The trained network; a user's code is the mean of the posterior."""

    kind = "variational"
    config_class = VariationalConfig
    network_class = VariationalNetwork


class VariationalFitter(GradientFitter):
    """Trains the encoder for some passes, then the outputs, each with the other half fixed.

    Attributes:
        old: the encoder's weights from when the outputs were last trained.
    """

    model_class = VariationalAutoencoder
    config: VariationalConfig
    network: VariationalNetwork

    def __init__(self, task: FitTask) -> None:
        super().__init__(task)
        self.old = self._copy()

    @property
    def stage(self) -> str:
        """Description of the next epoch."""
        return "encoder, then outputs"

    def run_epoch(self) -> float | None:
        """Train the encoder, copy it, train the outputs, and return the outputs' mean loss."""
        self.epoch += 1
        network = self.network
        with self.learning(network.encoder):
            for _ in range(self.config.encoder_passes):
                self.descend(lambda batch: network.encoder_loss(batch, self.old_posterior(batch), self.generator))
        self.old = self._copy()
        with self.learning(network.decoder):
            for _ in range(self.config.decoder_passes):
                loss = self.descend(lambda batch: network.loss(batch, self.generator))
        return loss

    @torch.no_grad()
    def old_posterior(self, batch: Batch) -> Posterior:
        """Return the posterior of the old encoder, without masking."""
        return cast("tuple[Posterior, Tensor]", functional_call(self.network, self.old, (batch,)))[0]

    def _copy(self) -> dict[str, Tensor]:
        return {name: weight.detach().clone() for name, weight in self.network.encoder.items()}

    def state(self) -> dict[str, Tensor]:
        """Return the weights of the old encoder too."""
        return super().state() | {f"old.{name}": weight.cpu().clone() for name, weight in self.old.items()}

    def load_state(self, state: dict[str, Tensor], item_ids: Sequence[str]) -> None:
        """Restore a `state`; for new items the old encoder has the weights of the current one."""
        super().load_state(state, item_ids)
        places = vocabulary_map(item_ids, self.task.train.item_ids)
        for name, weight in self.old.items():
            self.old[name] = self.place_rows(name, state[f"old.{name}"], weight.cpu(), places).to(self.device)
