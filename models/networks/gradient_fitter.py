"""Fitting by gradient steps, shared by every kind that is a torch network.

All random numbers come from one generator whose state is in the checkpoint, so a resumed fit repeats exactly.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, ClassVar

import torch
from torch import Tensor

from models.fitting.fitter import FitTask, Fitter, config_from, vocabulary_map
from models.networks.base import NARROW, SHORT_ROW, WIDE, Baseline, Batch, Network, NetworkConfig
from models.networks.model import NetworkModel

MIN_STEPS = 16  # per epoch: with few users the batches get smaller, or the weights would hardly change


class GradientFitter(Fitter):
    """Adam over shuffled batches of users; a kind sets its model class and overrides what differs.

    Attributes:
        model_class: of the fitted model; it knows the config and the network too.
        config: all hyper-parameters, including those that depend on the data.
        baseline: statistics of the training ratings.
        network: trained on the training device.
        generator: the only source of random numbers, on the CPU.
        epoch: epochs run so far.
        is_warm: whether the fit started from another model's weights.
    """

    starts_warm = True
    model_class: ClassVar[type[NetworkModel]]

    def __init__(self, task: FitTask) -> None:
        self.task = task
        self.device = task.options.torch_device()
        self.generator = torch.Generator().manual_seed(task.options.seed)
        self.epoch = 0
        self.is_warm = False
        self.figures: dict[str, float] = {}
        config = config_from(self.model_class.config_class, task.train.num_items, task.config)
        self.config = self.resolve(config)
        self.baseline = Baseline.fit(task.train)
        self.network: Network = self.model_class.network_class(self.config, self.baseline)
        self.network.init_weights(self.generator)
        if task.warm is not None:
            self._start_warm(self.model_class.unpack_parameters(task.warm.tensors), task.warm.item_ids)
        self.network.to(self.device).eval()
        self.optimiser = torch.optim.Adam(
            self.network.parameters(), task.options.learning_rate, weight_decay=self.config.weight_decay, fused=True
        )

    def resolve(self, config: NetworkConfig) -> NetworkConfig:
        """Set the hyper-parameters that depend on the data."""
        if config.num_hidden is not None:
            return config
        is_short = self.task.train.rows.num_ratings < SHORT_ROW * self.task.train.num_users
        return replace(config, num_hidden=NARROW if is_short else WIDE)

    def run_epoch(self) -> float | None:
        """Take one step for each batch of users and return the mean loss."""
        self.epoch += 1
        return self.descend(lambda batch: self.network.loss(batch, self.generator))

    def descend(self, loss_of: Callable[[Batch], Tensor]) -> float:
        """Pass over the users once, with a gradient step for each batch, and return the mean loss."""
        total = 0.0
        self.network.train()
        for batch in self.batches():
            loss = loss_of(batch)
            self.optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            self.step()
            total += float(loss.detach()) * batch.num_users
        self.network.eval()
        return total / max(1, self.task.train.num_users)

    @contextmanager
    def learning(self, names: Container[str]) -> Iterator[None]:
        """Train only the weights of these names; the others stay fixed."""
        for name, weight in self.network.named_parameters():
            weight.requires_grad_(name in names)
        try:
            yield
        finally:
            self.network.requires_grad_()
            self.optimiser.zero_grad()

    def batches(self) -> Iterator[Batch]:
        """Shuffle the users and yield them batch by batch, checking for cancellation before each."""
        rows = self.task.train.rows
        users = torch.randperm(len(rows), generator=self.generator).numpy()
        size = min(self.task.options.batch_size, max(1, len(rows) // MIN_STEPS))
        for start in range(0, len(users), size):
            self.task.check_cancelled()
            yield Batch.of(rows.take(users[start : start + size]), self.device)

    def step(self) -> None:
        """Update the weights by their gradients."""
        self.optimiser.step()

    def model(self) -> NetworkModel:
        """Copy the current weights, with residuals shrunk by the factor that is best for the validation users."""
        parameters = {name: p.detach().cpu().clone() for name, p in self.network.named_parameters()}
        given, targets = (Batch.of(rows, self.device) for rows in (self.task.given, self.task.targets))
        with torch.no_grad():
            shrinkage = torch.tensor([self.network.residual_shrinkage(given, targets)]).double()
        tensors = {**self.model_class.pack_parameters(parameters), **self.baseline.tensors(), "trust": shrinkage}
        return self.model_class(self.config, self.task.train.scale, tensors)

    def state(self) -> dict[str, Tensor]:
        """Return the epoch count, whether the start was warm, Adam's averages and the generator's state."""
        state = {
            "generator": self.generator.get_state(),
            "epoch": torch.tensor([self.epoch]),
            "is_warm": torch.tensor([self.is_warm]),
        }
        for name, parameter in self.network.named_parameters():
            for part, value in self.optimiser.state[parameter].items():
                state[f"adam.{part}.{name}"] = value.detach().cpu().clone()
        return state

    def load_state(self, state: dict[str, Tensor], item_ids: Sequence[str]) -> None:
        """Restore a `state`; the averages of new items start at 0."""
        self.generator.set_state(state["generator"])
        self.epoch, self.is_warm = int(state["epoch"]), bool(state["is_warm"])
        places = vocabulary_map(item_ids, self.task.train.item_ids)
        for name, parameter in self.network.named_parameters():
            parts: dict[str, Any] = {}
            for part in ("step", "exp_avg", "exp_avg_sq"):
                value = state.get(f"adam.{part}.{name}")
                if value is None:
                    continue
                if part != "step":
                    value = self.place_rows(name, value, torch.zeros_like(parameter, device="cpu"), places)
                parts[part] = value.to(self.device)
            if parts:
                self.optimiser.state[parameter] = parts

    def _start_warm(self, tensors: dict[str, Tensor], item_ids: Sequence[str]) -> None:
        """Copy the weights of items that both vocabularies have; a network of another shape starts cold."""
        if not all(self._fits(tensors.get(name), name, p) for name, p in self.network.named_parameters()):
            return
        self.is_warm = True
        places = vocabulary_map(item_ids, self.task.train.item_ids)
        with torch.no_grad():
            for name, parameter in self.network.named_parameters():
                parameter.copy_(self.place_rows(name, tensors[name], parameter, places))

    def _fits(self, old: Tensor | None, name: str, new: Tensor) -> bool:
        axis = int(name in self.network.item_axes)
        return old is not None and old.shape[axis:] == new.shape[axis:]

    def place_rows(self, name: str, old: Tensor, new: Tensor, places: tuple[Tensor, Tensor]) -> Tensor:
        """Copy ``new`` with ``old`` rows of items in both vocabularies; without an item axis, copy all of ``old``."""
        if name not in self.network.item_axes:
            return old.clone()
        new = new.detach().clone()
        new[places[1]] = old[places[0]]
        return new
