"""What a kind must bring to be fitted: the contract between `models.fit` and the file of each kind."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, TypeVar

import torch
from torch import Tensor

from models.closed_form.gram import Gram, GramSource
from models.core.interactions import Interactions, Rows
from models.core.model import Model

SELECTED_BY = "ndcg@100"  # the metric that decides which epoch was best, unless another is named
CheckCancelled = Callable[[], None]
C = TypeVar("C")


@dataclass(frozen=True, kw_only=True)
class FitOptions:
    """How a fit runs, whatever the kind.

    Attributes:
        epochs: passes over the users at most; `linear` needs one.
        learning_rate: step size of the optimiser.
        batch_size: users per step at most (fewer where there are few users); 1 is online learning.
        patience: epochs without a better validation before the fit stops.
        seed: repeats every random choice.
        device: where to train; "auto" is CUDA where there is one.
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
            ValueError: if "cuda" is asked for where there is none.
        """
        if self.device == "cuda" and not torch.cuda.is_available():
            raise ValueError("device is cuda, but no CUDA device can be used here; choose auto or cpu")
        if self.device == "auto":
            return torch.device("cuda" if torch.cuda.is_available() else "cpu")
        return torch.device(self.device)


@dataclass(frozen=True)
class WarmStart:
    """Weights to go on from, with the vocabulary of their item axes."""

    tensors: dict[str, Tensor]
    config: dict[str, Any]
    item_ids: Sequence[str]


@dataclass(frozen=True)
class FitTask:
    """What a fitter works on.

    Attributes:
        train: the training users; nothing else may be learned from.
        given: what is shown of the validation users.
        targets: what is held out of them; for choosing hyper-parameters.
        options: how the fit runs.
        config: hyper-parameters of the kind that are pinned; the rest are the kind's defaults.
        warm: where to start from, if not from scratch.
        gram: gives the Gram matrix of the training users to a kind that solves from it.
        selected_by: the validation metric that decides which epoch was best.
        check_cancelled: called between steps; what it raises ends the fit.
    """

    train: Interactions
    given: Rows
    targets: Rows
    options: FitOptions
    config: dict[str, Any] = field(default_factory=dict)
    warm: WarmStart | None = None
    gram: GramSource = Gram.counted
    selected_by: str = SELECTED_BY
    check_cancelled: CheckCancelled = lambda: None


class Fitter(ABC):
    """Fits one kind, an epoch at a time.

    Attributes:
        starts_warm: whether a fit goes on from another model's weights.
        chooses: hyper-parameters that a fit tries values of on the validation users, unless they are pinned.
        max_epochs: how many epochs are of use; None: as many as are asked for.
        figures: what the fitter found out; reported with every epoch.
    """

    starts_warm: ClassVar[bool] = False
    chooses: ClassVar[tuple[str, ...]] = ()
    max_epochs: int | None = None
    figures: dict[str, float]

    @abstractmethod
    def __init__(self, task: FitTask) -> None:
        """Prepare everything up to the first epoch.

        Raises:
            ValueError: if the config names a hyper-parameter the kind does not have, or gives it a wrong value.
        """

    def num_epochs(self, options: FitOptions) -> int:
        """Count the most epochs there can be, those that were run included."""
        return min(options.epochs, self.max_epochs or options.epochs)

    @property
    def stage(self) -> str:
        """What the next epoch does, in words."""
        return "fit"

    @property
    def is_preparing(self) -> bool:
        """Whether the next epoch only prepares others: it never becomes the best, and patience does not count it."""
        return False

    @property
    def is_judged(self) -> bool:
        """Whether the model after the next epoch is worth judging on the validation users."""
        return True

    @abstractmethod
    def run_epoch(self) -> float | None:
        """Learn from every training user once; give the mean loss, None where there is none."""

    @abstractmethod
    def model(self) -> Model:
        """Return the model as it is now, on the CPU, sharing no memory with what goes on being trained."""

    @abstractmethod
    def state(self) -> dict[str, Tensor]:
        """Give all that `load_state` needs, beside the weights, to go on exactly: optimiser, random numbers."""

    @abstractmethod
    def load_state(self, state: dict[str, Tensor], item_ids: Sequence[str]) -> None:
        """Go on from a `state` whose item axes follow ``item_ids``; called after starting warm from its weights."""


def config_from(config_class: type[C], num_items: int, pinned: dict[str, Any]) -> C:
    """Build a kind's config from the pinned values and its defaults.

    Raises:
        ValueError: naming the hyper-parameters that the kind does not have.
    """
    known = set(config_class.__dataclass_fields__)  # type: ignore[attr-defined]
    if unknown := sorted(set(pinned) - known):
        raise ValueError(f"unknown hyper-parameters {', '.join(unknown)}; known are {', '.join(sorted(known))}")
    return config_class(**{**pinned, "num_items": num_items})


def vocabulary_map(old: Sequence[str], new: Sequence[str]) -> tuple[Tensor, Tensor]:
    """Pair the columns of items that both vocabularies have: int64 (old columns), (new columns)."""
    place = {item: column for column, item in enumerate(old)}
    pairs = [(place[item], column) for column, item in enumerate(new) if item in place]
    paired = torch.tensor(pairs, dtype=torch.int64).reshape(-1, 2)
    return paired[:, 0], paired[:, 1]
