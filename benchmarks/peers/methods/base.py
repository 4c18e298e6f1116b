"""What a peer is: hyper-parameters to tune, and a fit that gives a function of scores."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from benchmarks.peers.methods.clock import Clock

Params = dict[str, Any]
T = TypeVar("T")  # a task
F = TypeVar("F")  # what was fitted


class Trial(Protocol):
    """The part of an Optuna trial that methods use."""

    def suggest_float(self, name: str, low: float, high: float, *, log: bool = False) -> float:
        """Choose a number."""

    def suggest_int(self, name: str, low: int, high: int, *, log: bool = False) -> int:
        """Choose a whole number."""

    def suggest_categorical(self, name: str, choices: tuple[Any, ...]) -> Any:
        """Choose one of several."""


@dataclass(frozen=True, kw_only=True)
class Method(Generic[T, F]):
    """One peer.

    Attributes:
        first: hyper-parameters tried before any other, as its authors or its library have them.
        suggest: draws hyper-parameters.
        fit: fits with some.
        watches_clock: whether a fit ends by itself when the budget does, so that it may begin with little left.
    """

    first: Params
    suggest: Callable[[Trial], None]
    fit: Callable[[T, Params, Clock], F]
    watches_clock: bool = False
