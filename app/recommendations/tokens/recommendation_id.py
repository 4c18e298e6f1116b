"""What an answer was, written as its `recommendation_id`: nothing is stored when an answer leaves.

It names the model version, the revisions of the user's ratings and of the catalogue, the moment, the items in their
order and what was asked for: enough to say later what became of the answer, and to make it again. Of the user it holds
his number inside Palate, never the caller's id. The check sum finds damage.
"""

import zlib
from base64 import urlsafe_b64decode
from binascii import b2a_base64
from collections.abc import Sequence
from enum import IntEnum
from struct import Struct, calcsize, error, pack, unpack_from
from typing import NamedTuple

from app.kit.errors import FieldProblem, InvalidRequest
from app.kit.ids import storable
from app.kit.times import LATEST_US
from app.recommendations.catalogue.index import Slots
from app.recommendations.catalogue.slot_codec import decode_slots, encode_slots
from app.recommendations.ranking.ranked_items import Source
from app.recommendations.ranking.rotation import NOTHING_SHOWN, RecentImpressions
from app.recommendations.request.options import Options
from app.recommendations.tokens.options_code import decode_options
from app.recommendations.tokens.page_cursor import CHECK_BYTES, MAX_SHOWN, NOTHING, URL_SAFE, check_sum
from app.settings import MAX_LIST

FORMAT = 1
MAX_VERSION_BYTES = 100
OF = b"recommendation"  # what the check sum is of, beside the body
# format, list, wide, together; number of items, lengths of version, shown, options, lately; experiment, subject, user,
# revision + 1, catalogue's, cold one's, known one's, popularity's, moment, number of slots
HEAD = Struct(">BB??HBHIHIQqqqqqqqI")
CODE_OF = {source: code for code, source in enumerate(Source)}
SOURCES = list(Source)  # new ones come at the end: codes are in ids that were given out
WHAT_TO_SEND = "is damaged, or no id of an answer: send `recommendation_id` as an answer gave it"


class ListType(IntEnum):
    """What sort of list an answer is; `RecommendationId.subject` says more of some."""

    USER = 0  # for a user; subject: the seed of what is drawn for one whom nobody has heard of, if anything is drawn
    GUEST = 1  # for a guest; subject: a hash of the ratings he posted
    SIMILAR = 2  # items like an item; subject: the item's primary key
    POPULAR = 3  # popular items; subject: the half-life in days
    NEW = 4  # new items


class RecommendationId(NamedTuple):
    """All that identifies an answer.

    Attributes:
        kind: what sort of list it is.
        version: the model's; None if there was none.
        user: the user's number, `users.id`; 0 for a guest, or a user nobody had heard of.
        revision: of the user's ratings; None for a guest, or a user nobody had heard of.
        catalogue_revision: of the catalogue that the answer was made from.
        cold_revision: of the catalogue whose new items the model could place; -1 if none.
        at_us: the moment it was made.
        num_slots: how many items there were when the list began; newer ones are not in it.
        shown: int64 (S,), slots of the items that former pages held, ascending.
        items: primary keys, in the order of the answer.
        sources: where each comes from.
        said: the options, unless they are the plain ones, as `options()` reads them.
        subject: see `ListType`.
        experiment: the number of the experiment that it is part of; 0: none.
        known_revision: of the catalogue whose items the new ones were compared with; -1 if none.
        together: whether the user was folded in with others in one pass, which rounds otherwise than alone.
        lately: what the user had been shown when the list began, if that was to sink.
        popularity_revision: of all ratings that popularity was counted from; -1 if it came with the model.
    """

    kind: ListType
    version: str | None
    user: int
    revision: int | None
    catalogue_revision: int
    cold_revision: int
    at_us: int
    num_slots: int
    shown: Slots
    items: Sequence[int]
    sources: Sequence[Source]
    said: bytes = b""
    subject: int = 0
    experiment: int = 0
    known_revision: int = -1
    popularity_revision: int = -1
    lately: RecentImpressions = NOTHING_SHOWN
    together: bool = False

    def options(self) -> Options:
        """Return what was asked for.

        Raises:
            ValueError: if nobody wrote them.
        """
        return decode_options(self.said)

    def position(self, place: int) -> int:
        """Return the position in the whole list, from 1, of the item at a place of this page, from 0."""
        return len(self.shown) + place + 1


def encode(identity: RecommendationId) -> str:
    """Write an answer's id: some 220 characters for ten items, and five more an item."""
    kind, version, user, revision, catalogue, cold, at_us, num_slots, shown, items = identity[:10]
    sources, said, subject, of, known, popularity = identity[10:16]
    sunk = identity.lately.encode()
    name = b"" if version is None else version.encode()
    before = encode_slots(shown.tolist()) if len(shown) else b""
    wide = max(items, default=0) >= 2**32
    num = len(items)
    body = (
        HEAD.pack(
            FORMAT,
            kind,
            wide,
            identity.together,
            num,
            len(name),
            len(before),
            len(said),
            len(sunk),
            of,
            subject,
            user,
            0 if revision is None else revision + 1,
            catalogue,
            cold,
            known,
            popularity,
            at_us,
            num_slots,
        )
        + pack(f">{num}Q" if wide else f">{num}I", *items)
        + bytes([CODE_OF[source] for source in sources])
        + name
        + before
        + said
        + sunk
    )
    text = b2a_base64(check_sum(OF, body) + body, newline=False)
    return text.translate(URL_SAFE).rstrip(b"=").decode()


def decode(text: str, field: str) -> RecommendationId:
    """Read an answer's id; ``field`` is where it stood.

    Raises:
        InvalidRequest: if it is none.
    """
    try:
        whole = bytes_of(text)
        body = whole[CHECK_BYTES:]
        if check_sum(OF, body) != whole[:CHECK_BYTES]:
            raise ValueError("damaged")
        return read(body)
    except (ValueError, IndexError, error, zlib.error):
        raise InvalidRequest(f"{field} {WHAT_TO_SEND}.", [FieldProblem(field, WHAT_TO_SEND)]) from None


def number_of(text: str) -> int:
    """Return a number of 63 bits by which an answer's id, that is one, is known among all others."""
    return int.from_bytes(bytes_of(text)[:CHECK_BYTES]) >> 1


def bytes_of(text: str) -> bytes:
    """Read the bytes that a text stands for.

    Raises:
        ValueError: if it stands for none.
    """
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


def read(body: bytes) -> RecommendationId:
    """Read what the check sum was of; whoever can make it may have written anything.

    Raises:
        ValueError, IndexError, struct.error, zlib.error: if it is not what `encode` writes.
    """
    head = HEAD.unpack_from(body)
    form, kind, wide, together, num, *lengths, of, subject, user, revision = head[:13]
    catalogue, cold, known, popularity, at_us, num_slots = head[13:]
    layout = f">{num}{'Q' if wide else 'I'}{num}s" + "".join(f"{length}s" for length in lengths)
    if form != FORMAT or num > MAX_LIST or HEAD.size + calcsize(layout) != len(body):
        raise ValueError("of another form")
    *items, codes, name, before, said, sunk = unpack_from(layout, body, HEAD.size)
    shown = decode_slots(before) if before else NOTHING
    if min(user, revision, catalogue, at_us) < 0 or at_us > LATEST_US or max(items, default=0) >= 2**63:
        raise ValueError("numbers that nothing has")
    if len(shown) > MAX_SHOWN or len(name) > MAX_VERSION_BYTES:
        raise ValueError("longer than any")
    return RecommendationId(
        ListType(kind),
        storable(name.decode()) or None,
        user,
        revision - 1 if revision else None,
        catalogue,
        cold,
        at_us,
        num_slots,
        shown,
        items,
        [SOURCES[code] for code in codes],
        said,
        subject,
        of,
        known,
        popularity,
        RecentImpressions.decode(sunk),
        together,
    )
