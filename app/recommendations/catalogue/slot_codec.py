"""Slots as bytes, in a cursor and in a recommendation id."""

import zlib
from struct import pack

import numpy as np

from app.recommendations.catalogue.index import Slots

MAX_SLOTS = 10_000
MAX_PLAIN_SLOTS = 32  # up to so many compressing saves nothing
PLAIN, COMPRESSED = b"\0", b"\1"


def encode_slots(slots: list[int]) -> bytes:
    """Write slots: a few as they are; of many the compressed differences, the low bytes of all first."""
    slots.sort()
    if len(slots) <= MAX_PLAIN_SLOTS:
        return PLAIN + pack(f"<{len(slots)}I", *slots)
    steps = np.diff(np.array(slots, "<u4"), prepend=np.uint32(0))
    return COMPRESSED + zlib.compress(steps.view(np.uint8).reshape(-1, 4).T.tobytes(), 9)


def decode_slots(data: bytes) -> Slots:
    """Read slots, ascending.

    Raises:
        ValueError, zlib.error: if it is not what `encode_slots` wrote.
    """
    kind, data = data[:1], data[1:]
    if kind == PLAIN:
        return np.frombuffer(data, "<u4").astype(np.int64)
    flat = zlib.decompressobj().decompress(data, 4 * MAX_SLOTS)
    steps = np.frombuffer(flat, np.uint8).reshape(4, -1).T.tobytes()
    return np.cumsum(np.frombuffer(steps, "<u4"), dtype=np.int64)
