"""Deep autoencoder: restricted Boltzmann machines trained one on top of the other, unrolled and fine-tuned.

Sources: Hinton & Salakhutdinov, "Reducing the Dimensionality of Data with Neural Networks", Science 2006 (layer-wise
pre-training, unrolling, backpropagation through probabilities); Salakhutdinov, Mnih & Hinton, "Restricted Boltzmann
Machines for Collaborative Filtering", ICML 2007 (the first layer: visible units exist only where rated);
Montavon & Müller, "Deep Boltzmann Machines and the Centering Trick", 2012 (units start centred).
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

STEEPNESS = 4.0  # factor of a layer's initial weights, to make up for the slope of a sigmoid, 1/4
FIRST_STD = 0.3  # of the first layer's initial weights; the input is divided by the root of a user's number of ratings


@dataclass(frozen=True, kw_only=True)
class DeepConfig(NetworkConfig):
    """Hyper-parameters of `deep`."""

    num_layers: int = 2  # L, all as wide as the first
    pretraining: float = 0.3  # share of the epochs in which the layers are trained one by one, 0..1
    pretraining_rate: float = 0.05  # learning rate of these epochs
    gibbs_steps: int = 3  # of contrastive divergence in a layer's last epochs; the first have one
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
        """Return the number of epochs to pre-train each layer; at least one epoch is left for fine-tuning."""
        if self.pretraining == 0:
            return 0
        wanted = max(1, round(epochs * self.pretraining / self.num_layers))
        return min(wanted, (epochs - 1) // self.num_layers)


class DeepLayer(nn.Module):
    """A machine between two layers of hidden units, unrolled to an upward and a downward layer."""

    def __init__(self, num_units: int) -> None:
        super().__init__()
        self.up_VU = nn.Parameter(torch.empty(num_units, num_units))
        self.up_U = nn.Parameter(torch.empty(num_units))
        self.down_UV = nn.Parameter(torch.empty(num_units, num_units))
        self.down_V = nn.Parameter(torch.empty(num_units))

    @torch.no_grad()
    def init_weights(self, generator: torch.Generator) -> None:
        """Draw the initial weights, with biases such that centred units lead to centred units in both directions."""
        nn.init.normal_(self.up_VU, 0, STEEPNESS * len(self.up_VU) ** -0.5, generator)
        self.up_U.copy_(self.up_VU.sum(dim=0) / -2)
        self.down_V.copy_(self.up_VU.sum(dim=1) / -2)

    def machine(self) -> BinaryMachine:
        """Return the upward weights and the biases of both directions as a machine."""
        return BinaryMachine(self.up_VU, self.up_U, self.down_V)

    @torch.no_grad()
    def unroll(self) -> None:
        """Copy the upward weights to the downward ones; from then on they are trained separately."""
        self.down_UV.copy_(self.up_VU.T)

    def up(self, below_BV: Tensor) -> Tensor:
        """Return the probabilities of the upper units: float32 (B, U)."""
        return torch.sigmoid(torch.addmm(self.up_U, below_BV, self.up_VU))

    def down(self, above_BU: Tensor) -> Tensor:
        """Return the probabilities of the lower units: float32 (B, V)."""
        return torch.sigmoid(torch.addmm(self.down_V, above_BU, self.down_UV))


class DeepNetwork(Network):
    """All layers up and down again, each passing its probabilities to the next, and two outputs at the bottom."""

    config: DeepConfig

    item_axes = Network.item_axes | {"visible_I3"}

    def __init__(self, config: DeepConfig, baseline: Baseline) -> None:
        super().__init__(config, baseline)
        self.visible_I3 = nn.Parameter(torch.zeros(config.num_items, VALUE + 1))  # only of the first machine
        self.layers = nn.ModuleList(DeepLayer(config.width) for _ in range(1, config.num_layers))

    def init_weights(self, generator: torch.Generator) -> None:
        """Draw the initial weights."""
        super().init_weights(generator)
        nn.init.normal_(self.encoder_I3H, 0, FIRST_STD, generator)
        for layer in self.upper:
            layer.init_weights(generator)

    @property
    def upper(self) -> list[DeepLayer]:
        """Layers above the first, from bottom to top."""
        return [cast("DeepLayer", layer) for layer in self.layers]

    def code(self, summed_BH: Tensor) -> Tensor:
        """Pass the sums up and down through all layers: float32 (B, H), the reconstructed first layer on -1..1."""
        code = torch.sigmoid(summed_BH)
        for layer in self.upper:
            code = layer.up(code)
        for layer in reversed(self.upper):
            code = layer.down(code)
        return 2 * code - 1

    def loss(self, batch: Batch, generator: torch.Generator) -> Tensor:
        """Return the fine-tuning loss: some ratings are hidden, and both outputs reconstruct all of them."""
        kept = (torch.rand(len(batch.item), generator=generator) >= self.config.masking).to(batch.item.device)
        code_BH, bias_B = self.encode(batch.where(kept))
        preference_loss = self.preference_loss(batch, code_BH, graded=self.config.graded)
        return preference_loss + self.config.rating_weight * self.rating_loss(batch, code_BH, bias_B)

    def first_machine(self) -> RatingMachine:
        """Return the embeddings as a machine."""
        return RatingMachine(self.encoder_I3H, self.encoder_H, self.visible_I3)

    def visible(self, batch: Batch) -> Ratings:
        """Return the visible units of users."""
        return Ratings(batch, self.channel(batch), self.residuals_of(batch)[0])

    @torch.no_grad()
    def layer_inputs(self, layer: int, batch: Batch) -> Tensor:
        """Return the inputs of a layer above the first, the probabilities of the one below: float32 (B, V)."""
        below_BV = self.first_machine().hidden(self.visible(batch))
        for each in self.upper[: layer - 1]:
            below_BV = each.up(below_BV)
        return below_BV

    def pretraining_loss(self, layer: int, batch: Batch, steps: int, generator: torch.Generator) -> Tensor:
        """Return the pre-training loss of a layer, 0 for the first; no rating is hidden from it."""
        if layer == 0:
            return self.first_machine().contrastive_divergence(self.visible(batch), steps, generator)
        return self.upper[layer - 1].machine().contrastive_divergence(self.layer_inputs(layer, batch), steps, generator)

    @torch.no_grad()
    def reconstruction_error(self, layer: int, batch: Batch) -> Tensor:
        """Return the error of a layer's machine in reconstructing its inputs."""
        if layer == 0:
            return self.first_machine().reconstruction_error(self.visible(batch))
        return self.upper[layer - 1].machine().reconstruction_error(self.layer_inputs(layer, batch))

    def weight_names(self, layer: int) -> set[str]:
        """Return the names of the weights of a layer's machine."""
        if layer == 0:
            return {"encoder_I3H", "encoder_H", "visible_I3"}
        return {f"layers.{layer - 1}.{name}" for name in ("up_VU", "up_U", "down_V")}

    @torch.no_grad()
    def unroll(self, layer: int, scale: float) -> None:
        """Copy a layer's upward weights to its downward ones; ``scale`` is the weight of a rating in the first one.

        The outputs read 2 p - 1 where the machine reads p, so the weights are halved and the other half goes to the
        biases.
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
    """Pre-trains the layers from bottom to top, each on the probabilities of the one below, then fine-tunes all."""

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
        """Set the biases of the choices to their log frequencies, and unroll the untrained layers."""
        rows = self.task.train.rows
        channel = rows.columns * 2 + (rows.values < self.task.train.scale.like_threshold)
        counts = np.bincount(channel, minlength=2 * self.config.num_items) + 0.5
        logs_I2 = torch.from_numpy(np.log(counts / counts.mean())).float().reshape(-1, 2)
        self.network.visible_I3[:, :VALUE] = logs_I2.to(self.device)
        for layer in range(self.config.num_layers):
            self.network.unroll(layer, self._scale)

    @property
    def _pretraining(self) -> int:
        """Epochs before fine-tuning; none after a warm start, from weights that were fine-tuned already."""
        return 0 if self.is_warm else self._per_layer * self.config.num_layers

    @property
    def stage(self) -> str:
        """Description of the next epoch."""
        return f"layer {self.epoch // self._per_layer + 1}" if self.is_preparing else "fine-tuning"

    @property
    def is_preparing(self) -> bool:
        """Whether the next epoch pre-trains a single layer."""
        return self.epoch < self._pretraining

    @property
    def is_judged(self) -> bool:
        """Whether the next epoch fine-tunes."""
        return not self.is_preparing

    def run_epoch(self) -> float | None:
        """Pre-train one layer or fine-tune all; every stage starts without Adam's averages of the previous one."""
        if self.epoch <= self._pretraining and self.epoch % max(1, self._per_layer) == 0:
            self.optimiser.state.clear()
        for group in self.optimiser.param_groups:
            group["lr"] = self.config.pretraining_rate if self.is_preparing else self.task.options.learning_rate
        if self.is_preparing:
            return self._pretrain(*divmod(self.epoch, self._per_layer))
        self.figures.pop("reconstruction_error", None)
        return super().run_epoch()

    def _pretrain(self, layer: int, past: int) -> float:
        """Train a machine after ``past`` epochs of it, unroll it, and return the mean difference of free energies."""
        steps = 1 + past * self.config.gibbs_steps // self._per_layer
        with self.learning(self.network.weight_names(layer)):
            loss = self.descend(lambda batch: self.network.pretraining_loss(layer, batch, steps, self.generator))
        self.epoch += 1
        self.network.unroll(layer, self._scale)
        given = Batch.of(self.task.given, self.device)
        self.figures["reconstruction_error"] = (
            float(self.network.reconstruction_error(layer, given)) if len(given.item) else 0.0
        )
        return loss
