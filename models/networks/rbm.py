"""Restricted Boltzmann machines and contrastive divergence, for layer-wise pre-training.

Sources: Hinton, "Training Products of Experts by Minimizing Contrastive Divergence", 2002; Salakhutdinov, Mnih &
Hinton, "Restricted Boltzmann Machines for Collaborative Filtering", ICML 2007: visible units only where a user has
rated; Salakhutdinov & Hinton, "Replicated Softmax: an Undirected Topic Model", NIPS 2009: each rated item is a draw.
Shape letters: B users in a batch, I items, E ratings in a batch, V visible units, H hidden units, C choices.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

import torch
from torch import Tensor
from torch.nn.functional import softplus

from models.networks.base import CHANNELS, VALUE, Batch, rating_bags
from models.networks.sparse_ops import Bags, sampled_products, sum_bags

MAX_CELLS = 1 << 21  # of users by choices, held in memory at once

State = TypeVar("State")  # of the visible units


class Machine(ABC, Generic[State]):
    """Visible and hidden units; given one side, the units of the other are independent."""

    @abstractmethod
    def inputs(self, visible: State) -> Tensor:
        """Return the inputs of the hidden units: float32 (B, H)."""

    @abstractmethod
    def visible_energy(self, visible: State) -> Tensor:
        """Return the energy of the visible units by themselves: float32 (B,)."""

    @abstractmethod
    def reconstruct(self, visible: State, hidden_BH: Tensor, generator: torch.Generator) -> State:
        """Draw visible units from hidden ones, for the same users and items as those given."""

    @abstractmethod
    def reconstruction_error(self, visible: State) -> Tensor:
        """Return the error of visible units reconstructed from their hidden units' probabilities; mean over units."""

    def hidden(self, visible: State) -> Tensor:
        """Return the probabilities of the hidden units: float32 (B, H)."""
        return torch.sigmoid(self.inputs(visible))

    def free_energy(self, visible: State) -> Tensor:
        """Return minus the log probability of the visible units, up to a constant: float32 (B,)."""
        return self.visible_energy(visible) - softplus(self.inputs(visible)).sum(dim=1)

    @torch.no_grad()
    def gibbs_sample(self, visible: State, steps: int, generator: torch.Generator) -> State:
        """Draw hidden units from visible ones and visible ones from those, ``steps`` times."""
        for _ in range(steps):
            visible = self.reconstruct(visible, sample_bernoulli(self.hidden(visible), generator), generator)
        return visible

    def contrastive_divergence(self, visible: State, steps: int, generator: torch.Generator) -> Tensor:
        """Return a loss whose gradient is that of contrastive divergence (CD-k), mean over users.

        The data should be likelier than its reconstruction: the gradient of the difference of their free energies is
        minus <v h> of the data plus <v h> of the reconstruction.
        """
        again = self.gibbs_sample(visible, steps, generator)
        return (self.free_energy(visible) - self.free_energy(again)).mean()


def sample_bernoulli(probability: Tensor, generator: torch.Generator) -> Tensor:
    """Draw ones with these probabilities, otherwise zeros."""
    return (torch.rand(probability.shape, generator=generator).to(probability.device) < probability).float()


@dataclass(frozen=True)
class BinaryMachine(Machine[Tensor]):
    """Binary units on both sides; the visible ones may be probabilities, such as those of the layer below.

    Attributes:
        weight_VH: float32 (V, H).
        hidden_H: biases.
        visible_V: biases.
    """

    weight_VH: Tensor  # noqa: N815
    hidden_H: Tensor  # noqa: N815
    visible_V: Tensor  # noqa: N815

    def inputs(self, visible: Tensor) -> Tensor:
        """Return the inputs of the hidden units: float32 (B, H)."""
        return torch.addmm(self.hidden_H, visible, self.weight_VH)

    def visible_energy(self, visible: Tensor) -> Tensor:
        """Return the energy of the visible units by themselves: float32 (B,)."""
        return -visible @ self.visible_V

    def reconstruct(self, visible: Tensor, hidden_BH: Tensor, generator: torch.Generator) -> Tensor:
        """Return the probabilities of visible units; drawing them would only add noise."""
        return torch.sigmoid(torch.addmm(self.visible_V, hidden_BH, self.weight_VH.T))

    def reconstruction_error(self, visible: Tensor) -> Tensor:
        """Return the squared difference; mean over units."""
        again = torch.sigmoid(torch.addmm(self.visible_V, self.hidden(visible), self.weight_VH.T))
        return (visible - again).square().mean()


@dataclass(frozen=True)
class Ratings:
    """Visible units of users, two for each rating.

    Attributes:
        batch: the users and items of the ratings.
        channel: int64 (E,), a choice among the liked and disliked channels of all items: which was rated, and how.
        residual: float32 (E,), of the rated item, in standard deviations.
    """

    batch: Batch
    channel: Tensor
    residual: Tensor


@dataclass(frozen=True)
class RatingMachine(Machine[Ratings]):
    """A machine for each user, with visible units only for their ratings; all share the weights.

    Which item was liked or disliked is a draw, one for each rating (a replicated softmax); the residual of the rated
    item is a normal distribution of variance 1. As in every network here, the weights of a user are divided by the
    square root of their number of ratings.

    Attributes:
        weight_I3H: float32 (I, 3, H).
        hidden_H: biases.
        visible_I3: biases.
    """

    weight_I3H: Tensor  # noqa: N815
    hidden_H: Tensor  # noqa: N815
    visible_I3: Tensor  # noqa: N815

    def inputs(self, visible: Ratings) -> Tensor:
        """Return the inputs of the hidden units: float32 (B, H)."""
        bags = rating_bags(visible.batch, visible.channel, visible.residual, len(self.weight_I3H))
        return sum_bags(bags, self.weight_I3H.flatten(0, 1)) + self.hidden_H

    def visible_energy(self, visible: Ratings) -> Tensor:
        """Return the energy of the visible units by themselves: float32 (B,)."""
        energy_E = 0.5 * (visible.residual - self.visible_I3[visible.batch.item, VALUE]) ** 2
        energy_E = energy_E - self.visible_I3.flatten()[visible.channel]
        return energy_E.new_zeros(visible.batch.num_users).index_add(0, visible.batch.user, energy_E)

    def reconstruct(self, visible: Ratings, hidden_BH: Tensor, generator: torch.Generator) -> Ratings:
        """Draw which items were liked or disliked, with the mean of the values."""
        batch = visible.batch
        choice = [
            sample_choices(torch.softmax(part, dim=1), row, generator) for part, row in self.choices(batch, hidden_BH)
        ]
        drawn = torch.cat([batch.item[:0], *choice])
        return Ratings(batch, drawn // 2 * CHANNELS + drawn % 2, self.values(batch, hidden_BH))

    def choices(self, batch: Batch, hidden_BH: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield the logits of every choice, liked and disliked for each item, some users at a time.

        Yields:
            float32 (some of B, C) with C = 2 I, and the row of each of these users' ratings in it: int64.
        """
        weight_CH = self.weight_I3H[:, :VALUE].flatten(0, 1)
        scaled_BH = hidden_BH * batch.counts.clamp(min=1).rsqrt()[:, None]
        size = max(1, MAX_CELLS // max(1, len(weight_CH)))
        for first in range(0, batch.num_users, size):
            row = batch.user[(batch.user >= first) & (batch.user < first + size)] - first
            logits = scaled_BH[first : first + size] @ weight_CH.T
            yield logits.add_(self.visible_I3[:, :VALUE].flatten()), row

    def values(self, batch: Batch, hidden_BH: Tensor) -> Tensor:
        """Return the mean of each rated item's value: float32 (E,)."""
        bags = Bags(batch.user, batch.item, batch.value, (batch.num_users, len(self.weight_I3H)))
        products_E = sampled_products(bags, hidden_BH, self.weight_I3H[:, VALUE])
        return products_E * batch.counts.clamp(min=1).rsqrt()[batch.user] + self.visible_I3[batch.item, VALUE]

    def reconstruction_error(self, visible: Ratings) -> Tensor:
        """Return minus the log-likelihood of the choices plus half the squared error of values; mean over ratings."""
        batch, hidden_BH = visible.batch, self.hidden(visible)
        choice = visible.channel // CHANNELS * 2 + visible.channel % CHANNELS
        total = 0.5 * (visible.residual - self.values(batch, hidden_BH)).square().sum()
        for logits, row in self.choices(batch, hidden_BH):
            now, choice = choice.tensor_split((len(row),))
            total = total - torch.log_softmax(logits, dim=1)[row, now].sum()
        return total / max(1, len(visible.residual))


def sample_choices(probability_BC: Tensor, row: Tensor, generator: torch.Generator) -> Tensor:
    """Draw one of C choices for every entry of ``row`` with that row's probabilities: int64, as long as ``row``."""
    num_choices = probability_BC.shape[1]
    ends_BC = torch.cumsum(probability_BC.double(), dim=1)
    ends_BC = ends_BC / ends_BC[:, -1:] + torch.arange(len(ends_BC), device=row.device)[:, None]
    at = torch.rand(len(row), generator=generator).to(row.device).double() + row
    return (torch.searchsorted(ends_BC.flatten(), at) - row * num_choices).clamp(0, num_choices - 1)
