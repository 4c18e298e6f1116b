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
from struct import Struct
from typing import NamedTuple

import numpy as np

from app.kit.errors import FieldProblem, InvalidCursor
from app.recommendations.catalogue.index import Slots
from app.recommendations.catalogue.slot_codec import MAX_SLOTS, decode_slots, encode_slots
from app.recommendations.ranking.rotation import NOTHING_SHOWN, RecentImpressions
from app.recommendations.request.options import Options

MAX_SHOWN = MAX_SLOTS  # items of one list; the cursor grows with them, by about half a byte to a byte each
HEAD = Struct(">QIBH")  # revision + 1 or 0 for none, number of items, lengths of the version's name and of `lately`
CHECK_BYTES = 8
URL_SAFE = bytes.maketrans(b"+/", b"-_")
WHAT_MAKES_A_LIST = "send it with the user or ratings and the options of the first page, or leave it out"
NOTHING: Slots = np.zeros(0, np.int64)


class PageCursor(NamedTuple):
    """A list, and how far it was shown.

    Attributes:
        version: the model's; None if there was none.
        revision: of the user's ratings; None for a guest, or a user nobody had heard of.
        num_slots: how many items there were; newer ones are not in the list.
        shown: int64 (S,), slots of the items that former pages held, ascending.
        lately: what the user had been shown when the list began, if that is to sink.
    """

    version: str | None
    revision: int | None
    num_slots: int
    shown: Slots = NOTHING
    lately: RecentImpressions = NOTHING_SHOWN

    def encode(self, of: bytes, page: Sequence[int] = ()) -> str:
        """Write it as a cursor of the list ``of``, moved on behind a page of these slots."""
        version, lately = (self.version or "").encode(), self.lately.encode()
        revision = 0 if self.revision is None else self.revision + 1
        head = HEAD.pack(revision, self.num_slots, len(version), len(lately)) + version + lately
        body = head + encode_slots([*self.shown.tolist(), *page] if len(self.shown) else list(page))
        text = b2a_base64(check_sum(of, body) + body, newline=False)
        return text.translate(URL_SAFE).rstrip(b"=").decode()


@dataclass(frozen=True, slots=True)
class Cursor:
    """What a cursor says, of whatever list."""

    mark: PageCursor
    body: bytes
    check: bytes
    place: str

    def of(self, of: bytes) -> PageCursor:
        """Return the bookmark if it is in this list.

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
        revision, num_slots, length, length_lately = HEAD.unpack_from(body)
        version, rest = body[HEAD.size : HEAD.size + length].decode(), body[HEAD.size + length :]
        lately, shown = RecentImpressions.decode(rest[:length_lately]), decode_slots(rest[length_lately:])
    except (ValueError, zlib.error):
        wrong = FieldProblem(place, "take `next_cursor` of a former answer, or leave it out")
        raise InvalidCursor(fields=[wrong]) from None
    mark = PageCursor(version or None, revision - 1 if revision else None, num_slots, shown, lately)
    return Cursor(mark, body, whole[:CHECK_BYTES], place)


def check_sum(of: bytes, body: bytes) -> bytes:
    """Tell a cursor apart from a damaged one, and from those of other lists."""
    return blake2b(of + body, digest_size=CHECK_BYTES).digest()


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
