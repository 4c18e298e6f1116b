"""Fitting by gradient steps: shared by every kind that is a torch network.

Everything random comes from one generator whose state is part of the checkpoint, so a resumed fit goes on exactly.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from models.fitter import FitTask, Fitter, vocabulary_map
from models.interactions import Rows

LEAST_STEPS = 16  # of an epoch: with few users a step takes fewer of them, or the weights would hardly move


@dataclass(frozen=True)
class Batch:
    """Rows of B users as tensors on the training device.

    Attributes:
        user: int64 (E,), row of each rating.
        item: int64 (E,), column of each rating.
        value: float32 (E,).
        num_users: B.
        blur: float32 (E,) or 0: noise that the encoder adds to the values, in its own units.
    """

    user: Tensor
    item: Tensor
    value: Tensor
    num_users: int
    blur: Tensor | float = 0.0

    def where(self, kept: Tensor) -> Batch:
        """Keep the entries that are ``kept`` (bool (E,)); the users stay, some perhaps without entries."""
        places = torch.nonzero(kept).squeeze(1)
        return Batch(self.user[places], self.item[places], self.value[places], self.num_users)

    @classmethod
    def of(cls, rows: Rows, device: torch.device) -> Batch:
        """Copy rows to the device."""
        return cls(
            torch.from_numpy(rows.row_of_entry).to(device),
            torch.from_numpy(rows.columns.astype(np.int64)).to(device),
            torch.from_numpy(rows.values).to(device),
            len(rows),
        )


class Network(nn.Module):
    """A network whose item axes come first, so that its weights can follow a vocabulary that grows."""

    item_axes: frozenset[str]

    @abstractmethod
    def loss(self, batch: Batch, generator: torch.Generator) -> Tensor:
        """Mean loss of a batch, corrupted with noise from the generator."""


class GradientFitter(Fitter):
    """Adam over shuffled batches of users."""

    def __init__(self, task: FitTask) -> None:
        self._task = task
        self._device = task.options.torch_device()
        self._generator = torch.Generator().manual_seed(task.options.seed)
        self.figures: dict[str, float] = {}
        self.network = self.build(task, self._generator)
        if task.warm is not None:
            self._start_warm(task.warm.tensors, task.warm.item_ids)
        self.network.to(self._device)
        self._optimiser = torch.optim.Adam(
            self.network.parameters(), lr=task.options.learning_rate, weight_decay=self.weight_decay(), fused=True
        )

    @abstractmethod
    def build(self, task: FitTask, generator: torch.Generator) -> Network:
        """Build the network with its first weights."""

    def weight_decay(self) -> float:
        """Weight decay of the optimiser."""
        return 0.0

    def run_epoch(self) -> float:
        """Take one step for each batch of users; give the mean loss."""
        rows = self._task.train.rows
        users = torch.randperm(len(rows), generator=self._generator).numpy()
        size = min(self._task.options.batch_size, max(1, len(rows) // LEAST_STEPS))
        total = 0.0
        self.network.train()
        for start in range(0, len(users), size):
            self._task.tick()
            batch = Batch.of(rows.take(users[start : start + size]), self._device)
            loss = self.network.loss(batch, self._generator)
            self._optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            self._optimiser.step()
            total += float(loss.detach()) * batch.num_users
        self.network.eval()
        return total / max(1, len(users))

    def state(self) -> dict[str, Tensor]:
        """Give Adam's averages of every weight and the generator's state."""
        state = {"generator": self._generator.get_state()}
        for name, parameter in self.network.named_parameters():
            for part, value in self._optimiser.state[parameter].items():
                state[f"adam.{part}.{name}"] = value.detach().cpu().clone()
        return state

    def load_state(self, state: dict[str, Tensor], item_ids: Sequence[str]) -> None:
        """Go on from a `state`; the averages of items that are new start at 0."""
        self._generator.set_state(state["generator"])
        places = vocabulary_map(item_ids, self._task.train.item_ids)
        for name, parameter in self.network.named_parameters():
            parts: dict[str, Any] = {}
            for part in ("step", "exp_avg", "exp_avg_sq"):
                value = state.get(f"adam.{part}.{name}")
                if value is None:
                    continue
                if part != "step":
                    value = self._placed(name, value, torch.zeros_like(parameter, device="cpu"), places)
                parts[part] = value.to(self._device)
            if parts:
                self._optimiser.state[parameter] = parts

    def _start_warm(self, tensors: dict[str, Tensor], item_ids: Sequence[str]) -> None:
        """Copy the weights of items both vocabularies have; a network of another width starts cold."""
        axes = {name: int(name in self.network.item_axes) for name in tensors}
        if any(tensors[n].shape[axes[n] :] != p.shape[axes[n] :] for n, p in self.network.named_parameters()):
            return
        places = vocabulary_map(item_ids, self._task.train.item_ids)
        with torch.no_grad():
            for name, parameter in self.network.named_parameters():
                parameter.copy_(self._placed(name, tensors[name], parameter, places))

    def _placed(self, name: str, old: Tensor, new: Tensor, places: tuple[Tensor, Tensor]) -> Tensor:
        if name not in self.network.item_axes:
            return old.clone()
        new = new.detach().clone()
        new[places[1]] = old[places[0]]
        return new
