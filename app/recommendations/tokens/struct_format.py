"""The ids of answers that 0.1.0 gave out, packed by place: they are read as long as events and replays name them."""

import struct
import zlib
from typing import Any, NamedTuple

import numpy as np

from app.kit.times import LATEST_US
from app.recommendations.catalogue.index import NO_SLOTS
from app.recommendations.ranking.rotation import NO_IMPRESSIONS, RecentImpressions
from app.recommendations.tokens.codec import decode_slots
from app.settings import MAX_LIST

PURPOSE = b"recommendation"
FORMAT = 1
MAX_VERSION_BYTES = 100
LAYOUT = struct.Struct(">BB??HBHIHIQqqqqqqqI")
UNCHANGED = (
    "list_type",
    "is_batched",
    "experiment",
    "subject",
    "user",
    "catalogue_revision",
    "cold_revision",
    "known_revision",
    "popularity_revision",
    "at_us",
    "num_slots",
)


class Head(NamedTuple):
    """The numbers at the beginning, in their order; lengths are those of what follows."""

    format: int
    list_type: int
    is_wide: bool
    is_batched: bool
    num_items: int
    version_length: int
    previous_length: int
    options_length: int
    impressions_length: int
    experiment: int
    subject: int
    user: int
    next_revision: int
    catalogue_revision: int
    cold_revision: int
    known_revision: int
    popularity_revision: int
    at_us: int
    num_slots: int


def read(body: bytes) -> dict[str, Any]:
    """Return the fields of `RecommendationId`; whoever can make the check sum may have written anything.

    Raises:
        ValueError: if 0.1.0 did not write it.
    """
    try:
        return fields(Head._make(LAYOUT.unpack_from(body)), body)
    except (struct.error, zlib.error) as error:
        raise ValueError(str(error)) from error


def fields(head: Head, body: bytes) -> dict[str, Any]:
    """Return the fields of an id with this head."""
    lengths = (head.version_length, head.previous_length, head.options_length, head.impressions_length)
    num = head.num_items
    rest = f">{num}{'Q' if head.is_wide else 'I'}{num}s" + "".join(f"{length}s" for length in lengths)
    if head.format != FORMAT or num > MAX_LIST or LAYOUT.size + struct.calcsize(rest) != len(body):
        raise ValueError("of another format")
    *items, codes, version, previous, options, impressions = struct.unpack_from(rest, body, LAYOUT.size)
    numbers = (head.user, head.next_revision, head.catalogue_revision, head.at_us)
    if min(numbers) < 0 or head.at_us > LATEST_US or max(items, default=0) >= 2**63 or len(version) > MAX_VERSION_BYTES:
        raise ValueError("numbers that nothing has")
    return {
        "version": version.decode() or None,
        "revision": head.next_revision - 1 if head.next_revision else None,
        "previous_items": decode_slots(previous) if previous else NO_SLOTS,
        "items": items,
        "source_codes": codes,
        "encoded_options": options,
        "impressions": read_impressions(impressions),
    } | {name: getattr(head, name) for name in UNCHANGED}


def read_impressions(code: bytes) -> RecentImpressions:
    """Return what the user had been shown: the number of items in two bytes, a step of each, their slots."""
    if not code:
        return NO_IMPRESSIONS
    end = 2 + int.from_bytes(code[:2])
    return RecentImpressions(decode_slots(code[end:]), np.frombuffer(code[2:end], np.uint8))
