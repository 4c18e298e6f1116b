"""The interface of a fitter: the contract between `models.fit` and the file of each kind."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import KW_ONLY, dataclass, field
from typing import Any, ClassVar, Literal, TypeVar

import torch
from torch import Tensor

from models.closed_form.gram import Gram, GramSource
from models.core.interactions import Interactions, Rows
from models.core.model import Model

SELECTED_BY = "ndcg@100"  # the default metric to select the best epoch
CheckCancelled = Callable[[], None]
C = TypeVar("C")


@dataclass(frozen=True, kw_only=True)
class FitOptions:
    """Options of a fit of any kind.

    Attributes:
        epochs: maximum number of passes over the users; `linear` needs one.
        learning_rate: step size of the optimiser.
        batch_size: maximum number of users per step (fewer if there are few users); 1 is online learning.
        patience: epochs without improvement on the validation users before the fit stops.
        seed: of every random choice.
        device: to train on; "auto" is CUDA if available.
    """

    epochs: int = 50
    learning_rate: float = 1e-3
    batch_size: int = 256
    patience: int = 8
    seed: int = 0
    device: Literal["auto", "cpu", "cuda"] = "auto"

    def torch_device(self) -> torch.device:
        """Resolve "auto".

        Raises:
            ValueError: if "cuda" is requested and not available.
        """
        if self.device == "cuda" and not torch.cuda.is_available():
            raise ValueError("device is cuda, but no CUDA device can be used here; choose auto or cpu")
        if self.device == "auto":
            return torch.device("cuda" if torch.cuda.is_available() else "cpu")
        return torch.device(self.device)


@dataclass(frozen=True)
class WarmStart:
    """Weights to start from, with the vocabulary of their item axes."""

    tensors: dict[str, Tensor]
    config: dict[str, Any]
    item_ids: Sequence[str]


@dataclass(frozen=True)
class FitTask:
    """The inputs of a fitter.

    Attributes:
        train: the training users; the only ones to learn from.
        given: ratings of the validation users that the model sees.
        targets: held-out ratings of these users, for choosing hyper-parameters.
        options: how the fit runs.
        config: pinned hyper-parameters of the kind; the rest have the kind's defaults.
        warm: weights to start from; None: start from scratch.
        gram: source of the training users' Gram matrix, for a kind that solves from it.
        selected_by: the validation metric that selects the best epoch.
        check_cancelled: called between steps; an exception it raises ends the fit.
    """

    train: Interactions
    given: Rows
    targets: Rows
    options: FitOptions
    _: KW_ONLY
    config: dict[str, Any] = field(default_factory=dict)
    warm: WarmStart | None = None
    gram: GramSource = Gram.count
    selected_by: str = SELECTED_BY
    check_cancelled: CheckCancelled = lambda: None


class Fitter(ABC):
    """Fits one kind, an epoch at a time.

    Attributes:
        starts_warm: whether a fit can start from another model's weights.
        chooses: hyper-parameters that a fit chooses on the validation users, unless they are pinned.
        max_epochs: useful number of epochs; None: no limit.
        figures: measurements of the fitter itself, reported with every epoch.
    """

    starts_warm: ClassVar[bool] = False
    chooses: ClassVar[tuple[str, ...]] = ()
    max_epochs: int | None = None
    figures: dict[str, float]

    @abstractmethod
    def __init__(self, task: FitTask) -> None:
        """Prepare everything up to the first epoch.

        Raises:
            ValueError: if the config has an unknown hyper-parameter or a wrong value.
        """

    def num_epochs(self, options: FitOptions) -> int:
        """Return the maximum number of epochs, including those already run."""
        return min(options.epochs, self.max_epochs or options.epochs)

    @property
    def stage(self) -> str:
        """Description of the next epoch."""
        return "fit"

    @property
    def is_preparing(self) -> bool:
        """Whether the next epoch only prepares later ones: it is never the best, and patience does not count it."""
        return False

    @property
    def is_judged(self) -> bool:
        """Whether to evaluate the model after the next epoch on the validation users."""
        return True

    @abstractmethod
    def run_epoch(self) -> float | None:
        """Learn from every training user once and return the mean loss, or None for a closed form."""

    @abstractmethod
    def model(self) -> Model:
        """Return the current model on the CPU, sharing no memory with the weights in training."""

    @abstractmethod
    def state(self) -> dict[str, Tensor]:
        """Return all that `load_state` needs besides the weights to resume exactly: optimiser, random numbers."""

    @abstractmethod
    def load_state(self, state: dict[str, Tensor], item_ids: Sequence[str]) -> None:
        """Restore a `state` whose item axes follow ``item_ids``; called after a warm start from its weights."""


def config_from(config_class: type[C], num_items: int, pinned: dict[str, Any]) -> C:
    """Build a kind's config from the pinned values and its defaults.

    Raises:
        ValueError: if there are unknown hyper-parameters, with their names.
    """
    known = set(config_class.__dataclass_fields__)  # type: ignore[attr-defined]
    if unknown := sorted(set(pinned) - known):
        raise ValueError(f"unknown hyper-parameters {', '.join(unknown)}; known are {', '.join(sorted(known))}")
    return config_class(**{**pinned, "num_items": num_items})


def vocabulary_map(old: Sequence[str], new: Sequence[str]) -> tuple[Tensor, Tensor]:
    """Return the old and the new columns of items that both vocabularies have: int64, one pair an item."""
    place = {item: column for column, item in enumerate(old)}
    pairs = [(place[item], column) for column, item in enumerate(new) if item in place]
    paired = torch.tensor(pairs, dtype=torch.int64).reshape(-1, 2)
    return paired[:, 0], paired[:, 1]
