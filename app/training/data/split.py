"""Which users are held out of training: the same ones in every run, so that two models can be compared on them."""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

MAX_SHARE = 0.05  # of the users, for each of the two held-out groups
MAX_HELD_OUT = 1_000
MIN_HELD_OUT = 40  # expected: some have no liked rating to judge by, and the gate needs 20
MAX_HELD_OUT_SHARE = 0.2
MIN_USERS_TO_HOLD_OUT = 10  # with fewer, every user is needed to learn from


RULE = (
    "position = the first 8 bytes of BLAKE2b (digest_size 8) of the user's id, big-endian, / 2**64; "
    "validated below share, judged from share to 2 * share, trained above"
)


@dataclass(frozen=True)
class Split:
    """Rows of the users to train on, to choose the epoch by, and to compare models on; the share of each held out."""

    train: NDArray[np.int64]
    validation: NDArray[np.int64]
    gate: NDArray[np.int64]
    share: float


def position(user_id: str) -> float:
    """Place a user on 0..1, evenly and for ever: BLAKE2b of the id."""
    return int.from_bytes(blake2b(user_id.encode(), digest_size=8).digest()) / 2**64


def held_out_share(num_users: int) -> float:
    """Return which share of the users goes into each held-out group."""
    if num_users < MIN_USERS_TO_HOLD_OUT:
        return 0.0
    share = min(MAX_SHARE, MAX_HELD_OUT / num_users)
    return max(share, min(MAX_HELD_OUT_SHARE, MIN_HELD_OUT / num_users))


def split_users(user_ids: Sequence[str]) -> Split:
    """Split users: positions in [0, v) choose the epoch, those in [v, 2v) are for the gate, the rest trains."""
    share = held_out_share(len(user_ids))
    positions = np.fromiter(map(position, user_ids), np.float64, count=len(user_ids))
    validation, gate = positions < share, (positions >= share) & (positions < 2 * share)
    return Split(np.flatnonzero(~validation & ~gate), np.flatnonzero(validation), np.flatnonzero(gate), share)
