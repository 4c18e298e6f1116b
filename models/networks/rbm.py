"""Restricted Boltzmann machines and contrastive divergence, for layers that are taught one by one.

Sources: Hinton, "Training Products of Experts by Minimizing Contrastive Divergence", 2002; Salakhutdinov, Mnih &
Hinton, "Restricted Boltzmann Machines for Collaborative Filtering", ICML 2007: visible units only where a user has
rated; Salakhutdinov & Hinton, "Replicated Softmax: an Undirected Topic Model", NIPS 2009: what was rated is a choice.
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
from models.networks.sparse_ops import Bags, cells, sum_bags

CELLS = 1 << 21  # of users by choices that are held at once

State = TypeVar("State")  # of the visible units


class Machine(ABC, Generic[State]):
    """Visible and hidden units; those of one side depend on those of the other alone."""

    @abstractmethod
    def inputs(self, visible: State) -> Tensor:
        """Sum what reaches the hidden units: float32 (B, H)."""

    @abstractmethod
    def visible_energy(self, visible: State) -> Tensor:
        """Energy of the visible units themselves: float32 (B,)."""

    @abstractmethod
    def reconstruct(self, visible: State, hidden_BH: Tensor, generator: torch.Generator) -> State:
        """Draw visible units, in the places of those given, from hidden ones."""

    @abstractmethod
    def error(self, visible: State) -> Tensor:
        """Return how far visible units are from what their hidden units' probabilities say of them; mean over units."""

    def hidden(self, visible: State) -> Tensor:
        """Return the probabilities of the hidden units: float32 (B, H)."""
        return torch.sigmoid(self.inputs(visible))

    def free_energy(self, visible: State) -> Tensor:
        """Minus the log of the visible units' probability, but for a constant: float32 (B,)."""
        return self.visible_energy(visible) - softplus(self.inputs(visible)).sum(dim=1)

    @torch.no_grad()
    def walk(self, visible: State, steps: int, generator: torch.Generator) -> State:
        """Draw hidden units from visible ones and these from those again, some times over (Gibbs sampling)."""
        for _ in range(steps):
            visible = self.reconstruct(visible, draw(self.hidden(visible), generator), generator)
        return visible

    def gap(self, visible: State, steps: int, generator: torch.Generator) -> Tensor:
        """Return what has the gradient of contrastive divergence (CD-k), mean over users.

        Data is to be likelier than what the machine turns it into: the gradient of the free energy of the one minus
        that of the other is minus <v h> of the data plus <v h> of the reconstruction.
        """
        again = self.walk(visible, steps, generator)
        return (self.free_energy(visible) - self.free_energy(again)).mean()


def draw(probability: Tensor, generator: torch.Generator) -> Tensor:
    """Draw ones and zeros."""
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
        """Sum what reaches the hidden units: float32 (B, H)."""
        return torch.addmm(self.hidden_H, visible, self.weight_VH)

    def visible_energy(self, visible: Tensor) -> Tensor:
        """Energy of the visible units themselves: float32 (B,)."""
        return -visible @ self.visible_V

    def reconstruct(self, visible: Tensor, hidden_BH: Tensor, generator: torch.Generator) -> Tensor:
        """Return the probabilities of visible units; drawing them would only add noise."""
        return torch.sigmoid(torch.addmm(self.visible_V, hidden_BH, self.weight_VH.T))

    def error(self, visible: Tensor) -> Tensor:
        """Squared difference; mean over units."""
        again = torch.sigmoid(torch.addmm(self.visible_V, self.hidden(visible), self.weight_VH.T))
        return (visible - again).square().mean()


@dataclass(frozen=True)
class Ratings:
    """Visible units of users: two for each rating.

    Attributes:
        batch: whose ratings of which items there are.
        channel: int64 (E,), a choice among the liked and disliked channels of all items: what was rated, and how.
        residual: float32 (E,), value of the item that was rated: what the biases leave of it, in spreads.
    """

    batch: Batch
    channel: Tensor
    residual: Tensor


@dataclass(frozen=True)
class RatingMachine(Machine[Ratings]):
    """A machine for each user, with visible units for his ratings alone; all share the weights.

    Which item was liked or disliked is a choice, one for each rating (a replicated softmax); the value of what was
    rated is a normal distribution of variance 1. As in every network here, the weights of a user are divided by the
    root of how many ratings there are.

    Attributes:
        weight_I3H: float32 (I, 3, H).
        hidden_H: biases.
        visible_I3: biases.
    """

    weight_I3H: Tensor  # noqa: N815
    hidden_H: Tensor  # noqa: N815
    visible_I3: Tensor  # noqa: N815

    def inputs(self, visible: Ratings) -> Tensor:
        """Sum what reaches the hidden units: float32 (B, H)."""
        bags = rating_bags(visible.batch, visible.channel, visible.residual, len(self.weight_I3H))
        return sum_bags(bags, self.weight_I3H.flatten(0, 1)) + self.hidden_H

    def visible_energy(self, visible: Ratings) -> Tensor:
        """Energy of the visible units themselves: float32 (B,)."""
        energy_E = 0.5 * (visible.residual - self.visible_I3[visible.batch.item, VALUE]) ** 2
        energy_E = energy_E - self.visible_I3.flatten()[visible.channel]
        return energy_E.new_zeros(visible.batch.num_users).index_add(0, visible.batch.user, energy_E)

    def reconstruct(self, visible: Ratings, hidden_BH: Tensor, generator: torch.Generator) -> Ratings:
        """Draw what was liked or disliked, and give the mean of the values."""
        batch = visible.batch
        choice = [choose(torch.softmax(part, dim=1), row, generator) for part, row in self.choices(batch, hidden_BH)]
        drawn = torch.cat([batch.item[:0], *choice])
        return Ratings(batch, drawn // 2 * CHANNELS + drawn % 2, self.values(batch, hidden_BH))

    def choices(self, batch: Batch, hidden_BH: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
        """Sum what reaches every choice, item by item liked and disliked, some users at a time.

        Yields:
            float32 (some of B, C) with C = 2 I, and the row in it that each of these users' ratings has: int64.
        """
        weight_CH = self.weight_I3H[:, :VALUE].flatten(0, 1)
        scaled_BH = hidden_BH * batch.counts.clamp(min=1).rsqrt()[:, None]
        size = max(1, CELLS // max(1, len(weight_CH)))
        for first in range(0, batch.num_users, size):
            row = batch.user[(batch.user >= first) & (batch.user < first + size)] - first
            logits = scaled_BH[first : first + size] @ weight_CH.T
            yield logits.add_(self.visible_I3[:, :VALUE].flatten()), row

    def values(self, batch: Batch, hidden_BH: Tensor) -> Tensor:
        """Return the mean of the values of what was rated: float32 (E,)."""
        bags = Bags(batch.user, batch.item, batch.value, (batch.num_users, len(self.weight_I3H)))
        products_E = cells(bags, hidden_BH, self.weight_I3H[:, VALUE])
        return products_E * batch.counts.clamp(min=1).rsqrt()[batch.user] + self.visible_I3[batch.item, VALUE]

    def error(self, visible: Ratings) -> Tensor:
        """Surprise at what was rated and how, and half the squared error of the value; mean over ratings."""
        batch, hidden_BH = visible.batch, self.hidden(visible)
        choice = visible.channel // CHANNELS * 2 + visible.channel % CHANNELS
        total = 0.5 * (visible.residual - self.values(batch, hidden_BH)).square().sum()
        for logits, row in self.choices(batch, hidden_BH):
            now, choice = choice.tensor_split((len(row),))
            total = total - torch.log_softmax(logits, dim=1)[row, now].sum()
        return total / max(1, len(visible.residual))


def choose(chances_BC: Tensor, row: Tensor, generator: torch.Generator) -> Tensor:
    """Draw one of C for every row named, with that row's chances: int64, as long as ``row``."""
    num_choices = chances_BC.shape[1]
    ends_BC = torch.cumsum(chances_BC.double(), dim=1)
    ends_BC = ends_BC / ends_BC[:, -1:] + torch.arange(len(ends_BC), device=row.device)[:, None]
    at = torch.rand(len(row), generator=generator).to(row.device).double() + row
    return (torch.searchsorted(ends_BC.flatten(), at) - row * num_choices).clamp(0, num_choices - 1)
