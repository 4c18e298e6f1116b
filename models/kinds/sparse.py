"""Sparse autoencoder: dropout of neurons and inputs during training, and most weights pruned for good.

Sources: Srivastava et al., "Dropout", JMLR 2014; Zhu & Gupta, "To prune, or not to prune", 2017 (arXiv 1710.01878):
the network is fitted, pruned by magnitude on a cubic schedule, and its remaining weights are fine-tuned.
Shape letters: B users in a batch, I items, E ratings in a batch, H hidden units.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from models.fitting.fitter import FitTask, vocabulary_map
from models.networks.base import Batch, NetworkConfig, SigmoidNetwork
from models.networks.gradient_fitter import GradientFitter
from models.networks.model import NetworkModel
from models.networks.pruning import PRUNED_TABLES, PrunedModel, largest_mask, pruned_share
from models.networks.sparse_ops import Bags


@dataclass(frozen=True, kw_only=True)
class SparseConfig(NetworkConfig):
    """Hyper-parameters of `sparse`."""

    input_dropout: float = 0.5  # share of a user's ratings hidden from the encoder in a step, 0..1
    hidden_dropout: float = 0.2  # share of the hidden neurons dropped in a step, 0..1
    pruned: float = 0.8  # share of the weights pruned in the end, 0..1
    prune_from: float = 0.2  # share of the epochs before pruning starts, 0..1
    prune_until: float = 0.5  # share of the epochs after which it ends, 0..1; the rest are fine-tuning
    graded: bool = True

    def __post_init__(self) -> None:
        super().__post_init__()
        if not all(0 <= share < 1 for share in (self.input_dropout, self.hidden_dropout, self.pruned)):
            raise ValueError("input_dropout, hidden_dropout and pruned must lie in 0..1, 1 excluded")
        if not 0 <= self.prune_from <= self.prune_until <= 1:
            raise ValueError("prune_from and prune_until must lie in 0..1, in this order")


class SparseNetwork(SigmoidNetwork):
    """One sigmoid layer with dropout before and after it."""

    config: SparseConfig

    def loss(self, batch: Batch, generator: torch.Generator) -> Tensor:
        """Return the loss of reconstructing whole rows from some of the ratings with some of the neurons."""
        inputs, bias_B = self.inputs(batch)
        code_BH = self.code(self.sum_embeddings(drop_ratings(inputs, self.config.input_dropout, generator)))
        code_BH = drop_neurons(code_BH, self.config.hidden_dropout, generator)
        rating_loss = self.rating_loss(batch, code_BH, bias_B)
        preference_loss = self.preference_loss(batch, code_BH, graded=self.config.graded)
        return preference_loss + self.config.rating_weight * rating_loss


def drop_ratings(inputs: Bags, dropout: float, generator: torch.Generator) -> Bags:
    """Drop a share of the ratings, both entries of each; the others are scaled up, so that sums keep their mean."""
    kept = torch.rand(len(inputs.row) // 2, generator=generator) >= dropout
    places = torch.nonzero(kept.repeat_interleave(2)).squeeze(1).to(inputs.row.device)
    weight = inputs.weight[places] / (1 - dropout)
    return Bags(inputs.row[places], inputs.column[places], weight, inputs.shape)


def drop_neurons(code_BH: Tensor, dropout: float, generator: torch.Generator) -> Tensor:
    """Drop a share of each user's neurons and scale up the others."""
    kept_BH = torch.rand(code_BH.shape, generator=generator) >= dropout
    return code_BH * kept_BH.to(code_BH.device) / (1 - dropout)


class SparseAutoencoder(PrunedModel):
    """The remaining weights, without dropout."""

    kind = "sparse"
    config_class = SparseConfig
    network_class = SparseNetwork


class SparseFitter(GradientFitter):
    """Fits, prunes after every epoch of the schedule, then fine-tunes; pruned weights stay 0."""

    model_class = SparseAutoencoder
    config: SparseConfig

    def __init__(self, task: FitTask) -> None:
        super().__init__(task)
        self._masks: dict[str, Tensor] = {}

    @property
    def _schedule(self) -> tuple[int, int]:
        """Last epoch before pruning and last epoch of pruning; after a warm start one epoch of pruning is enough."""
        if self.is_warm:
            return 0, 1
        epochs = self.task.options.epochs
        first = min(round(epochs * self.config.prune_from), epochs - 1)
        return first, max(round(epochs * self.config.prune_until), first + 1)

    @property
    def stage(self) -> str:
        """Description of the next epoch."""
        first, last = self._schedule
        return "fit" if self.epoch < first else "pruning" if self.epoch < last else "fine-tuning"

    @property
    def is_preparing(self) -> bool:
        """Whether more weights will be pruned after the next epoch."""
        return self.epoch < self._schedule[1]

    def run_epoch(self) -> float | None:
        """Learn from every user, then prune according to the schedule."""
        loss = super().run_epoch()
        first, last = self._schedule
        if first < self.epoch <= last:
            self._prune(pruned_share((self.epoch - first) / (last - first), self.config.pruned))
        return loss

    def step(self) -> None:
        """Update the remaining weights."""
        super().step()
        self._clear()

    def _prune(self, share: float) -> None:
        for name in PRUNED_TABLES:
            weight = self.network.get_parameter(name)
            self._masks[name] = largest_mask(weight, round(weight.numel() * (1 - share)))
        self._clear()

    @torch.no_grad()
    def _clear(self) -> None:
        for name, mask in self._masks.items():
            self.network.get_parameter(name).mul_(mask)

    def model(self) -> NetworkModel:
        """Pack the remaining weights, and report how many there are."""
        model = super().model()
        weights = [self.network.get_parameter(name) for name in PRUNED_TABLES]
        num_kept = sum(int(torch.count_nonzero(weight)) for weight in weights)
        self.figures["weights_kept"] = num_kept / max(1, sum(weight.numel() for weight in weights))
        self.figures["model_bytes"] = float(sum(tensor.nbytes for tensor in model.tensors().values()))
        return model

    def state(self) -> dict[str, Tensor]:
        """Return the unrounded weights too: the model rounds them to float16."""
        weights = {f"weight.{name}": self.network.get_parameter(name).detach().cpu().clone() for name in PRUNED_TABLES}
        return super().state() | weights

    def load_state(self, state: dict[str, Tensor], item_ids: Sequence[str]) -> None:
        """Restore a `state`; the weights of new items are dense until the next pruning."""
        super().load_state(state, item_ids)
        places = vocabulary_map(item_ids, self.task.train.item_ids)
        for name in PRUNED_TABLES:
            weight = self.network.get_parameter(name)
            with torch.no_grad():
                weight.copy_(self.place_rows(name, state[f"weight.{name}"], weight.cpu(), places))
            if self.epoch > self._schedule[0]:
                self._masks[name] = weight.detach() != 0
