"""The version that a user gets: a pure function of the experiment's salt and the user's id.

Nothing is stored, so every process returns the same arm at any time, also after a restart.
"""

from dataclasses import dataclass
from enum import StrEnum
from hashlib import blake2b


class Arm(StrEnum):
    """The version that a participating user gets."""

    CONTROL = "control"
    TREATMENT = "treatment"


def uniform(salt: str, user_id: str) -> float:
    """Return a user's place in [0, 1): even over users, and of two salts independent of each other."""
    digest = blake2b(user_id.encode(), digest_size=8, key=salt.encode()).digest()
    return (int.from_bytes(digest) >> 11) * 2.0**-53  # the bits that a float holds: never rounded up to 1


@dataclass(frozen=True, slots=True)
class Assignment:
    """How users are divided.

    Attributes:
        salt: at most 64 bytes; another one divides them anew.
        share: of the users, who take part, 0 to 1.
        treatment_share: of those who take part, 0 to 1.
    """

    salt: str
    share: float
    treatment_share: float

    def arm_of(self, user_id: str) -> Arm | None:
        """Return which arm a user is in; None if they do not take part."""
        place = uniform(self.salt, user_id)
        if place >= self.share:
            return None
        return Arm.TREATMENT if place < self.share * self.treatment_share else Arm.CONTROL
