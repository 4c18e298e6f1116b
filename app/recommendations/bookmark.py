"""Where a page of recommendations ended, written as a cursor that any API process can read.

It holds what the list is made from (model version, revision of the user's ratings, newest item) and which items were
shown. The next page is the rest of that list, so that no item comes twice and none is passed over, whatever becomes
of the catalogue in between. The check sum finds damage; whoever forges a cursor gains nothing by it.
"""

import zlib
from base64 import urlsafe_b64decode
from binascii import b2a_base64
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from hashlib import blake2b
from struct import Struct, pack
from typing import NamedTuple

import numpy as np

from app.errors import FieldProblem, InvalidCursor
from app.recommendations.catalogue import Slots
from app.recommendations.options import Options

MAX_SHOWN = 10_000  # items of one list; the cursor grows with them, by about half a byte to a byte each
HEAD = Struct(">QIB")  # revision + 1 or 0 for none, number of items, length of the version's name
CHECK_BYTES = 8
URL_SAFE = bytes.maketrans(b"+/", b"-_")
PLAIN_MOST = 32  # so few items are not worth compressing
PLAIN, COMPRESSED = b"\0", b"\1"
WHAT_MAKES_A_LIST = "send it with the user or ratings and the options of the first page, or leave it out"
NOTHING: Slots = np.zeros(0, np.int64)


class Bookmark(NamedTuple):
    """A list, and how far it was shown.

    Attributes:
        version: the model's; None if there was none.
        revision: of the user's ratings; None for a guest, or a user nobody had heard of.
        num_slots: how many items there were; newer ones are not in the list.
        shown: int64 (S,), slots of the items that former pages held, ascending.
    """

    version: str | None
    revision: int | None
    num_slots: int
    shown: Slots = NOTHING

    def encode(self, of: bytes, page: Sequence[int] = ()) -> str:
        """Write it as a cursor of the list ``of``, moved on behind a page of these slots."""
        version = (self.version or "").encode()
        head = HEAD.pack(0 if self.revision is None else self.revision + 1, self.num_slots, len(version))
        body = head + version + packed([*self.shown.tolist(), *page] if len(self.shown) else list(page))
        text = b2a_base64(check_sum(of, body) + body, newline=False)
        return text.translate(URL_SAFE).rstrip(b"=").decode()


@dataclass(frozen=True, slots=True)
class Cursor:
    """What a cursor says, of whatever list."""

    mark: Bookmark
    body: bytes
    check: bytes
    place: str

    def of(self, of: bytes) -> Bookmark:
        """Give the bookmark if it is in this list.

        Raises:
            InvalidCursor: if it is in another one, or was altered.
        """
        if check_sum(of, self.body) != self.check:
            detail = f"is damaged or one of another list: {WHAT_MAKES_A_LIST}"
            raise InvalidCursor(f"The cursor {detail}.", [FieldProblem(self.place, detail)])
        return self.mark


def decode(cursor: str, place: str) -> Cursor:
    """Read a cursor; ``place`` is the field it stood in.

    Raises:
        InvalidCursor: if it is none.
    """
    try:
        whole = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        body = whole[CHECK_BYTES:]
        if len(body) < HEAD.size:
            raise ValueError("too short")
        revision, num_slots, length = HEAD.unpack_from(body)
        version, shown = body[HEAD.size : HEAD.size + length].decode(), unpacked(body[HEAD.size + length :])
    except (ValueError, zlib.error):
        wrong = FieldProblem(place, "take `next_cursor` of a former answer, or leave it out")
        raise InvalidCursor(fields=[wrong]) from None
    mark = Bookmark(version or None, revision - 1 if revision else None, num_slots, shown)
    return Cursor(mark, body, whole[:CHECK_BYTES], place)


def check_sum(of: bytes, body: bytes) -> bytes:
    """Tell a cursor apart from a damaged one, and from those of other lists."""
    return blake2b(of + body, digest_size=CHECK_BYTES).digest()


def packed(slots: list[int]) -> bytes:
    """Write slots; where there are many, the steps between them, byte by byte of all of them, compressed."""
    slots.sort()
    if len(slots) <= PLAIN_MOST:
        return PLAIN + pack(f"<{len(slots)}I", *slots)
    steps = np.diff(np.array(slots, "<u4"), prepend=np.uint32(0))
    return COMPRESSED + zlib.compress(steps.view(np.uint8).reshape(-1, 4).T.tobytes(), 9)


def unpacked(data: bytes) -> Slots:
    """Read slots back, ascending.

    Raises:
        ValueError, zlib.error: if it is not what `packed` gave.
    """
    kind, data = data[:1], data[1:]
    if kind == PLAIN:
        return np.frombuffer(data, "<u4").astype(np.int64)
    flat = zlib.decompressobj().decompress(data, 4 * MAX_SHOWN)
    steps = np.frombuffer(flat, np.uint8).reshape(4, -1).T.tobytes()
    return np.cumsum(np.frombuffer(steps, "<u4"), dtype=np.int64)


def list_of(who: bytes, options: Options) -> bytes:
    """Name a list: whose it is, and by which options. The number of items a page may change from page to page."""
    return (PLAIN_SAID if options is PLAIN_OPTIONS else said(options)) + who + b"\0"


@lru_cache(1024)
def said(options: Options) -> bytes:
    """Write out what was asked for, all but the limit."""
    return repr(replace(options, limit=0)).encode()


PLAIN_OPTIONS = Options()  # what is asked for most, by far: the same object each time
PLAIN_SAID = said(PLAIN_OPTIONS)
ONE_MORE_THAN_PLAIN = replace(PLAIN_OPTIONS, limit=PLAIN_OPTIONS.limit + 1)
