"""The users whose ratings a version holds: their numbers, in a file of its folder.

Numbers, not ids: an id is the caller's own and must go when its user is erased.
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
    """What a user's ratings were used for in a version. Its published numbers of ratings count all roles."""

    TRAINED = "trained"  # it learned from their ratings
    INHERITED = "inherited"  # a version that it started from learned from them
    VALIDATED = "validated"  # their ratings chose the epoch and the hyper-parameters
    JUDGED = "judged"  # the gate compared versions on their ratings
    UNKNOWN = "unknown"  # its files do not list its users, or are damaged


@dataclass(frozen=True)
class TrainingUsers:
    """Sorted numbers of users by role, int64. A user who is inherited may be held out as well."""

    trained: Numbers
    inherited: Numbers
    validated: Numbers
    judged: Numbers

    @classmethod
    def of(cls, trained: Numbers, validated: Numbers, judged: Numbers, before: Self | None) -> Self:
        """Combine the users of a new version; ``before`` are those of the version it started from."""
        earlier = before.learned if before else np.empty(0, np.int64)
        return cls(trained, np.setdiff1d(earlier, trained), validated, judged)

    @property
    def learned(self) -> Numbers:
        """All users whose ratings shaped the weights."""
        return np.union1d(self.trained, self.inherited)

    def role_of(self, number: int) -> UserRole | None:
        """Return the role of a user, the weightiest if they have several; None if they have none."""
        return next((UserRole(name) for name, numbers in self.arrays().items() if number in numbers), None)

    def arrays(self) -> dict[str, Numbers]:
        """Return the numbers by role, in the order of `UserRole`."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def tensors(self) -> dict[str, Tensor]:
        """Return the arrays to store: a user's number fits in 32 bits wherever their ratings can be trained on."""
        return {name: torch.from_numpy(numbers.astype(np.int32)) for name, numbers in self.arrays().items()}

    @classmethod
    def from_tensors(cls, tensors: dict[str, Tensor]) -> Self:
        """Build from the result of `tensors`."""
        return cls(**{name: tensor.numpy().astype(np.int64) for name, tensor in tensors.items()})
