"""Simulated people: each clicks as readily as they like to, and those who click readily come again more often."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

SPREAD = 2.0  # first parameter of the beta distribution of tastes: the smaller, the more people differ
MORE_VISITS = 2  # at most, after the first; each is made with the chance that an item is clicked
ITEMS = 10  # of an answer


@dataclass(frozen=True)
class Audience:
    """People of whom the mean one clicks an item with the chance ``mean``."""

    mean: float

    def tastes(self, generator: np.random.Generator, num: int) -> NDArray[np.float64]:
        """Draw each one's chance to click an item: float64 (num,)."""
        return generator.beta(SPREAD, SPREAD / self.mean - SPREAD, num)

    def visits(self, generator: np.random.Generator, tastes: NDArray[np.float64]) -> NDArray[np.int64]:
        """Draw each one's number of answers: int64 (num,)."""
        return 1 + generator.binomial(MORE_VISITS, tastes)

    @property
    def ctr(self) -> float:
        """The true click-through rate: expected clicks over expected items shown."""
        rest = SPREAD / self.mean - SPREAD
        variance = SPREAD * rest / ((SPREAD + rest) ** 2 * (SPREAD + rest + 1))
        return (self.mean + MORE_VISITS * (variance + self.mean**2)) / (1 + MORE_VISITS * self.mean)
