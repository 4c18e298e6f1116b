"""Deep autoencoder: restricted Boltzmann machines taught one on top of the other, unrolled and fine-tuned.

Sources: Hinton & Salakhutdinov, "Reducing the Dimensionality of Data with Neural Networks", Science 2006 (layer-wise
pre-training, unrolling, backpropagation through probabilities); Salakhutdinov, Mnih & Hinton, "Restricted Boltzmann
Machines for Collaborative Filtering", ICML 2007 (the first layer: visible units are there only where rated);
Montavon & Müller, "Deep Boltzmann Machines and the Centering Trick", 2012 (units start in their middle).
Shape letters: B users in a batch, I items, E ratings in a batch, H units of a layer, V and U those of the two sides of
an upper one, L layers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import numpy as np
import torch
from torch import Tensor, nn

from models.fitting.fitter import FitTask
from models.networks.base import VALUE, Baseline, Batch, Network, NetworkConfig
from models.networks.gradient_fitter import GradientFitter
from models.networks.model import NetworkModel
from models.networks.rbm import BinaryMachine, RatingMachine, Ratings

STEEPNESS = 4.0  # by which a layer's first weights outweigh that the slope of a sigmoid is a quarter
FIRST_SPREAD = 0.3  # of the first layer's first weights; a user's are divided by the root of his ratings


@dataclass(frozen=True, kw_only=True)
class DeepConfig(NetworkConfig):
    """Hyper-parameters of `deep`."""

    num_layers: int = 2  # L, all as wide as the first
    pretraining: float = 0.3  # share of the epochs in which the layers are taught one by one, 0..1
    pretraining_rate: float = 0.05  # step size in them
    gibbs_steps: int = 3  # of contrastive divergence in a layer's last epochs; it begins with one
    masking: float = 0.5  # share of a user's ratings hidden from the encoder in fine-tuning, 0..1
    graded: bool = True

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("num_layers", "gibbs_steps"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be 1 or more")
        for name in ("pretraining", "masking"):
            if not 0 <= getattr(self, name) < 1:
                raise ValueError(f"{name} must lie in 0..1, 1 excluded")
        if self.pretraining_rate <= 0:
            raise ValueError("pretraining_rate must be more than 0")

    def epochs_per_layer(self, epochs: int) -> int:
        """Count the epochs in which a layer is taught; of all epochs at least one is left for fine-tuning."""
        if self.pretraining == 0:
            return 0
        wanted = max(1, round(epochs * self.pretraining / self.num_layers))
        return min(wanted, (epochs - 1) // self.num_layers)


class DeepLayer(nn.Module):
    """A machine between two layers of hidden units, and what it is unrolled to: a way up and a way down."""

    def __init__(self, num_units: int) -> None:
        super().__init__()
        self.up_VU = nn.Parameter(torch.empty(num_units, num_units))
        self.up_U = nn.Parameter(torch.empty(num_units))
        self.down_UV = nn.Parameter(torch.empty(num_units, num_units))
        self.down_V = nn.Parameter(torch.empty(num_units))

    @torch.no_grad()
    def start(self, generator: torch.Generator) -> None:
        """Draw the first weights: of units in their middle the biases make units in their middle, on both ways."""
        nn.init.normal_(self.up_VU, 0, STEEPNESS * len(self.up_VU) ** -0.5, generator)
        self.up_U.copy_(self.up_VU.sum(dim=0) / -2)
        self.down_V.copy_(self.up_VU.sum(dim=1) / -2)

    def machine(self) -> BinaryMachine:
        """See the way up, and the biases of the way down, as a machine."""
        return BinaryMachine(self.up_VU, self.up_U, self.down_V)

    @torch.no_grad()
    def unroll(self) -> None:
        """Go down by the weights of the way up; from here on each goes its own way."""
        self.down_UV.copy_(self.up_VU.T)

    def up(self, below_BV: Tensor) -> Tensor:
        """Return the probabilities of the upper units: float32 (B, U)."""
        return torch.sigmoid(torch.addmm(self.up_U, below_BV, self.up_VU))

    def down(self, above_BU: Tensor) -> Tensor:
        """Return the probabilities of the lower units: float32 (B, V)."""
        return torch.sigmoid(torch.addmm(self.down_V, above_BU, self.down_UV))


class DeepNetwork(Network):
    """All layers up and down again, each giving the next its probabilities, and two outputs below."""

    config: DeepConfig

    item_axes = Network.item_axes | {"visible_I3"}

    def __init__(self, config: DeepConfig, baseline: Baseline) -> None:
        super().__init__(config, baseline)
        self.visible_I3 = nn.Parameter(torch.zeros(config.num_items, VALUE + 1))  # of the first machine alone
        self.layers = nn.ModuleList(DeepLayer(config.width) for _ in range(1, config.num_layers))

    def start(self, generator: torch.Generator) -> None:
        """Draw the first weights."""
        super().start(generator)
        nn.init.normal_(self.encoder_I3H, 0, FIRST_SPREAD, generator)
        for layer in self.upper:
            layer.start(generator)

    @property
    def upper(self) -> list[DeepLayer]:
        """The layers above the first, from below."""
        return [cast("DeepLayer", layer) for layer in self.layers]

    def code(self, summed_BH: Tensor) -> Tensor:
        """Pass the sums all the way up and down: float32 (B, H), what the first layer is found to be, within -1..1."""
        code = torch.sigmoid(summed_BH)
        for layer in self.upper:
            code = layer.up(code)
        for layer in reversed(self.upper):
            code = layer.down(code)
        return 2 * code - 1

    def loss(self, batch: Batch, generator: torch.Generator) -> Tensor:
        """Fine-tuning: hide some ratings, and find all of them again in both outputs."""
        kept = (torch.rand(len(batch.item), generator=generator) >= self.config.masking).to(batch.item.device)
        code_BH, bias_B = self.encode(batch.where(kept))
        preference_loss = self.preference_loss(batch, code_BH, graded=self.config.graded)
        return preference_loss + self.config.rating_weight * self.rating_loss(batch, code_BH, bias_B)

    def first_machine(self) -> RatingMachine:
        """See the embeddings as a machine."""
        return RatingMachine(self.encoder_I3H, self.encoder_H, self.visible_I3)

    def visible(self, batch: Batch) -> Ratings:
        """Return the visible units of users."""
        return Ratings(batch, self.channel(batch), self.standing(batch)[0])

    @torch.no_grad()
    def below(self, layer: int, batch: Batch) -> Tensor:
        """Return what a layer above the first sees of users, the probabilities of the one below: float32 (B, V)."""
        below_BV = self.first_machine().hidden(self.visible(batch))
        for each in self.upper[: layer - 1]:
            below_BV = each.up(below_BV)
        return below_BV

    def gap(self, layer: int, batch: Batch, steps: int, generator: torch.Generator) -> Tensor:
        """Return what a layer learns from in pre-training; nothing is hidden from it, and 0 is the first."""
        if layer == 0:
            return self.first_machine().gap(self.visible(batch), steps, generator)
        return self.upper[layer - 1].machine().gap(self.below(layer, batch), steps, generator)

    @torch.no_grad()
    def error(self, layer: int, batch: Batch) -> Tensor:
        """Return how well a layer's machine reconstructs what it sees."""
        if layer == 0:
            return self.first_machine().error(self.visible(batch))
        return self.upper[layer - 1].machine().error(self.below(layer, batch))

    def names(self, layer: int) -> set[str]:
        """Name the weights that a layer's machine has."""
        if layer == 0:
            return {"encoder_I3H", "encoder_H", "visible_I3"}
        return {f"layers.{layer - 1}.{name}" for name in ("up_VU", "up_U", "down_V")}

    @torch.no_grad()
    def unroll(self, layer: int, scale: float) -> None:
        """Return a layer's way down the weights of its way up; ``scale`` is what a rating weighs in the first one.

        The outputs read 2 p - 1 where the machine reads p, so weights are halved and their other half is a bias.
        """
        if layer > 0:
            return self.upper[layer - 1].unroll()
        for channel, weight_ID, bias_I in (
            (0, self.preference_ID, self.preference_I),
            (VALUE, self.rating_ID, self.rating_I),
        ):
            weight_ID.copy_(self.encoder_I3H[:, channel] * (scale / 2))
            bias_I.copy_(self.visible_I3[:, channel] + weight_ID.sum(dim=1))
        return None


class DeepAutoencoder(NetworkModel):
    """The unrolled network."""

    kind = "deep"
    config_class = DeepConfig
    network_class = DeepNetwork


class DeepFitter(GradientFitter):
    """Teaches the layers from below, each on what the one below makes of the users, then all of them together."""

    model_class = DeepAutoencoder
    config: DeepConfig
    network: DeepNetwork

    def __init__(self, task: FitTask) -> None:
        super().__init__(task)
        self._per_layer = self.config.epochs_per_layer(task.options.epochs)
        counts = np.maximum(1, task.train.rows.counts)
        self._scale = float(np.sum(counts**0.5) / max(1, np.sum(counts)))  # mean over ratings
        if not self.is_warm:
            self._start_cold()

    @torch.no_grad()
    def _start_cold(self) -> None:
        """Start the choices' biases at how often each was made, and unroll the layers that know nothing yet."""
        rows = self.task.train.rows
        channel = rows.columns * 2 + (rows.values < self.task.train.scale.like_threshold)
        made = np.bincount(channel, minlength=2 * self.config.num_items) + 0.5
        logs_I2 = torch.from_numpy(np.log(made / made.mean())).float().reshape(-1, 2)
        self.network.visible_I3[:, :VALUE] = logs_I2.to(self.device)
        for layer in range(self.config.num_layers):
            self.network.unroll(layer, self._scale)

    @property
    def _pretraining(self) -> int:
        """Epochs before fine-tuning; none for weights that were fine-tuned before."""
        return 0 if self.is_warm else self._per_layer * self.config.num_layers

    @property
    def stage(self) -> str:
        """What the next epoch does."""
        return f"layer {self.epoch // self._per_layer + 1}" if self.is_preparing else "fine-tuning"

    @property
    def is_preparing(self) -> bool:
        """Whether the next epoch teaches one layer only."""
        return self.epoch < self._pretraining

    @property
    def is_judged(self) -> bool:
        """Whether the next epoch fine-tunes."""
        return not self.is_preparing

    def run_epoch(self) -> float | None:
        """Teach one layer, or all; every stage starts without the averages of the one before."""
        if self.epoch <= self._pretraining and self.epoch % max(1, self._per_layer) == 0:
            self.optimiser.state.clear()
        for group in self.optimiser.param_groups:
            group["lr"] = self.config.pretraining_rate if self.is_preparing else self.task.options.learning_rate
        if self.is_preparing:
            return self._teach(*divmod(self.epoch, self._per_layer))
        self.figures.pop("reconstruction_error", None)
        return super().run_epoch()

    def _teach(self, layer: int, past: int) -> float:
        """Teach one machine that was taught for some epochs, and unroll it; give the mean gap of free energies."""
        steps = 1 + past * self.config.gibbs_steps // self._per_layer
        with self.learning(self.network.names(layer)):
            gap = self.descend(lambda batch: self.network.gap(layer, batch, steps, self.generator))
        self.epoch += 1
        self.network.unroll(layer, self._scale)
        given = Batch.of(self.task.given, self.device)
        self.figures["reconstruction_error"] = float(self.network.error(layer, given)) if len(given.item) else 0.0
        return gap
