"""Sparse autoencoder: neurons and inputs are dropped while it learns, and most synapses are pruned for good.

Sources: Srivastava et al., "Dropout", JMLR 2014; Zhu & Gupta, "To prune, or not to prune", 2017 (arXiv 1710.01878):
the network is fitted, pruned by magnitude on a cubic schedule, and fine-tuned with what is left.
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
from models.networks.pruned import PrunedModel
from models.networks.pruning import PRUNED, largest, share_pruned
from models.networks.sparse_ops import Bags


@dataclass(frozen=True, kw_only=True)
class SparseConfig(NetworkConfig):
    """Hyper-parameters of `sparse`."""

    input_dropout: float = 0.5  # share of a user's ratings that the encoder is not shown in a step, 0..1
    hidden_dropout: float = 0.2  # share of the hidden neurons that are silent in a step, 0..1
    pruned: float = 0.8  # share of the synapses that are gone in the end, 0..1
    prune_from: float = 0.2  # share of the epochs before pruning begins, 0..1
    prune_until: float = 0.5  # share of the epochs when it ends, 0..1; the rest are fine-tuning
    graded: bool = True

    def __post_init__(self) -> None:
        super().__post_init__()
        if not all(0 <= share < 1 for share in (self.input_dropout, self.hidden_dropout, self.pruned)):
            raise ValueError("input_dropout, hidden_dropout and pruned must lie in 0..1, 1 excluded")
        if not 0 <= self.prune_from <= self.prune_until <= 1:
            raise ValueError("prune_from and prune_until must lie in 0..1, in this order")


class SparseNetwork(SigmoidNetwork):
    """One sigmoid layer, dropout before and behind it."""

    config: SparseConfig

    def loss(self, batch: Batch, generator: torch.Generator) -> Tensor:
        """Reconstruct the whole row with some of its ratings and some of the neurons."""
        inputs, bias_B = self.inputs(batch)
        code_BH = self.code(self.summed(drop_ratings(inputs, self.config.input_dropout, generator)))
        code_BH = drop_neurons(code_BH, self.config.hidden_dropout, generator)
        rating_loss = self.rating_loss(batch, code_BH, bias_B)
        preference_loss = self.preference_loss(batch, code_BH, graded=self.config.graded)
        return preference_loss + self.config.rating_weight * rating_loss


def drop_ratings(inputs: Bags, dropout: float, generator: torch.Generator) -> Bags:
    """Leave out a share of the ratings, both channels of each; the others weigh more, so that sums keep their mean."""
    kept = torch.rand(len(inputs.row) // 2, generator=generator) >= dropout
    places = torch.nonzero(kept.repeat_interleave(2)).squeeze(1).to(inputs.row.device)
    weight = inputs.weight[places] / (1 - dropout)
    return Bags(inputs.row[places], inputs.column[places], weight, inputs.shape)


def drop_neurons(code_BH: Tensor, dropout: float, generator: torch.Generator) -> Tensor:
    """Silence a share of each user's neurons; the others speak louder."""
    kept_BH = torch.rand(code_BH.shape, generator=generator) >= dropout
    return code_BH * kept_BH.to(code_BH.device) / (1 - dropout)


class SparseAutoencoder(PrunedModel):
    """The synapses that are left, without dropout."""

    kind = "sparse"
    config_class = SparseConfig
    network_class = SparseNetwork


class SparseFitter(GradientFitter):
    """Fits, prunes after every epoch of the schedule, then fine-tunes: what is pruned stays 0."""

    model_class = SparseAutoencoder
    config: SparseConfig

    def __init__(self, task: FitTask) -> None:
        super().__init__(task)
        self._masks: dict[str, Tensor] = {}

    @property
    def _schedule(self) -> tuple[int, int]:
        """Last epoch before pruning, and the last of pruning; a model that was pruned before is so after one epoch."""
        if self.is_warm:
            return 0, 1
        epochs = self.task.options.epochs
        first = min(round(epochs * self.config.prune_from), epochs - 1)
        return first, max(round(epochs * self.config.prune_until), first + 1)

    @property
    def stage(self) -> str:
        """What the next epoch does."""
        first, last = self._schedule
        return "fit" if self.epoch < first else "pruning" if self.epoch < last else "fine-tuning"

    @property
    def is_preparing(self) -> bool:
        """Whether synapses are still to be pruned after the next epoch."""
        return self.epoch < self._schedule[1]

    def run_epoch(self) -> float | None:
        """Learn from every user, then prune as the schedule says."""
        loss = super().run_epoch()
        first, last = self._schedule
        if first < self.epoch <= last:
            self._prune(share_pruned((self.epoch - first) / (last - first), self.config.pruned))
        return loss

    def step(self) -> None:
        """Change the weights that are left."""
        super().step()
        self._clear()

    def _prune(self, share: float) -> None:
        for name in PRUNED:
            weight = self.network.get_parameter(name)
            self._masks[name] = largest(weight, round(weight.numel() * (1 - share)))
        self._clear()

    @torch.no_grad()
    def _clear(self) -> None:
        for name, mask in self._masks.items():
            self.network.get_parameter(name).mul_(mask)

    def model(self) -> NetworkModel:
        """Pack what is left, and report how much that is."""
        model = super().model()
        weights = [self.network.get_parameter(name) for name in PRUNED]
        left = sum(int(torch.count_nonzero(weight)) for weight in weights)
        self.figures["weights_kept"] = left / max(1, sum(weight.numel() for weight in weights))
        self.figures["model_bytes"] = float(sum(tensor.nbytes for tensor in model.tensors().values()))
        return model

    def state(self) -> dict[str, Tensor]:
        """Return the weights too, as exact as they are trained: the model holds them rounded."""
        weights = {f"weight.{name}": self.network.get_parameter(name).detach().cpu().clone() for name in PRUNED}
        return super().state() | weights

    def load_state(self, state: dict[str, Tensor], item_ids: Sequence[str]) -> None:
        """Go on from a `state`; the synapses of items that are new are whole until the next pruning."""
        super().load_state(state, item_ids)
        places = vocabulary_map(item_ids, self.task.train.item_ids)
        for name in PRUNED:
            weight = self.network.get_parameter(name)
            with torch.no_grad():
                weight.copy_(self.placed(name, state[f"weight.{name}"], weight.cpu(), places))
            if self.epoch > self._schedule[0]:
                self._masks[name] = weight.detach() != 0
