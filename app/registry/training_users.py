"""Whose ratings a version holds: the numbers of its users, in a file of its folder.

Numbers, not ids: an id is the caller's own and must go with the user when he is erased.
"""

from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

FILE = "users.safetensors"
Numbers = NDArray[np.int64]


class UserRole(StrEnum):
    """What a version has to do with a user. The numbers of ratings that it is published with count all of them."""

    TRAINED = "trained"  # it learned from his ratings
    INHERITED = "inherited"  # the version it went on from had learned from them, or that one's
    VALIDATED = "validated"  # they chose epoch and hyper-parameters
    JUDGED = "judged"  # the gate compared with them
    UNKNOWN = "unknown"  # its files do not say, or are damaged


@dataclass(frozen=True)
class TrainingUsers:
    """Sorted numbers of users, int64, by what they were for. Somebody inherited may be held out as well."""

    trained: Numbers
    inherited: Numbers
    validated: Numbers
    judged: Numbers

    @classmethod
    def of(cls, trained: Numbers, validated: Numbers, judged: Numbers, before: Self | None) -> Self:
        """Put together those of a new version; ``before`` are those of the version it went on from."""
        earlier = before.learned if before else np.empty(0, np.int64)
        return cls(trained, np.setdiff1d(earlier, trained), validated, judged)

    @property
    def learned(self) -> Numbers:
        """Everybody whose ratings shaped the weights."""
        return np.union1d(self.trained, self.inherited)

    def part_of(self, number: int) -> UserRole | None:
        """Return what a user was for, the weightiest first; None if he was not there."""
        return next((UserRole(name) for name, numbers in self.arrays().items() if number in numbers), None)

    def arrays(self) -> dict[str, Numbers]:
        """Give them by the names of `UserRole`, in its order."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def tensors(self) -> dict[str, Tensor]:
        """Give them as they are stored: a user's number fits in 32 bits wherever his ratings can be trained on."""
        return {name: torch.from_numpy(numbers.astype(np.int32)) for name, numbers in self.arrays().items()}

    @classmethod
    def from_tensors(cls, tensors: dict[str, Tensor]) -> Self:
        """Build from what `tensors` gave."""
        return cls(**{name: tensor.numpy().astype(np.int64) for name, tensor in tensors.items()})
