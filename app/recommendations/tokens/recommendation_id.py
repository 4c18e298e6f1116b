"""What an answer was, written as its `recommendation_id`: nothing is stored when an answer leaves.

It names the model version, the revisions of the user's ratings and of the catalogue, the moment, the items in their
order and what was asked for: enough to say later what became of the answer, and to make it again. It holds the user's
number inside Palate, never the caller's id of them.
"""

import zlib
from collections.abc import Sequence
from enum import IntEnum
from functools import lru_cache
from typing import Annotated

import msgspec
from msgspec import Meta
from pydantic import TypeAdapter

from app.kit.errors import FieldProblem, InvalidRequest
from app.kit.ids import storable
from app.kit.times import LATEST_US
from app.recommendations.catalogue.index import NO_SLOTS, Slots
from app.recommendations.ranking.rotation import NO_IMPRESSIONS, RecentImpressions
from app.recommendations.request.enums import Source
from app.recommendations.request.options import PLAIN_OPTIONS, Options
from app.recommendations.tokens import codec, struct_format
from app.recommendations.tokens.page_cursor import MAX_PREVIOUS_ITEMS
from app.settings import MAX_LIST

PURPOSE = b"recommendation/2"
MAX_VERSION_LENGTH = 100
MAX_OPTIONS_BYTES = 64 * 1024 * 1024  # uncompressed: more than a request can say
SOURCES = list(Source)  # new ones come at the end: codes are in ids that were given out
CODE_OF = {source: code for code, source in enumerate(SOURCES)}
HOW_TO_MEND = "is damaged, or no id of an answer: send `recommendation_id` as an answer gave it"
OPTIONS = TypeAdapter(Options)
Number = Annotated[int, Meta(ge=0, le=2**63 - 1)]
Revision = Annotated[int, Meta(ge=-1, le=2**63 - 1)]  # -1: none


class ListType(IntEnum):
    """What sort of list an answer is; `RecommendationId.subject` says more of some."""

    USER = 0  # for a user; subject: the seed of what is drawn for an unknown user, if anything is drawn
    GUEST = 1  # for a guest; subject: a hash of the ratings they posted
    SIMILAR = 2  # items like an item; subject: the item's primary key
    POPULAR = 3  # popular items; subject: the half-life in days
    NEW = 4  # new items


class RecommendationId(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """All that identifies an answer.

    Attributes:
        list_type: what sort of list it is.
        version: the model's; None if there was none.
        user: the user's number, `users.id`; 0 for a guest or an unknown user.
        revision: of the user's ratings; None for a guest or an unknown user.
        catalogue_revision: of the catalogue that the answer was made from.
        cold_revision: of the catalogue whose new items the model could place; -1 if none.
        at_us: the moment it was made.
        num_slots: how many items there were when the list began; newer ones are not in it.
        previous_items: int64 (S,), slots of the items on earlier pages, ascending.
        items: primary keys, in the order of the answer.
        source_codes: where each comes from, as a place in `SOURCES`.
        encoded_options: the options, unless they are the plain ones, as `options()` reads them.
        subject: see `ListType`.
        experiment: the number of the experiment that it is part of; 0: none.
        known_revision: of the catalogue whose items the new ones were compared with; -1 if none.
        popularity_revision: of all ratings that popularity was counted from; -1 if it came with the model.
        impressions: what the user had been shown when the list began, if that counts against it.
        is_batched: whether the user was folded in with others in one pass, which rounds differently than alone.
    """

    list_type: ListType
    version: Annotated[str, Meta(min_length=1, max_length=MAX_VERSION_LENGTH)] | None
    user: Number = 0
    revision: Number | None = None
    catalogue_revision: Number
    cold_revision: Revision = -1
    at_us: Annotated[int, Meta(ge=0, le=LATEST_US)]
    num_slots: Annotated[int, Meta(ge=0, lt=2**32)]
    previous_items: Slots = NO_SLOTS
    items: Annotated[Sequence[Number], Meta(max_length=MAX_LIST)]
    source_codes: Annotated[bytes, Meta(max_length=MAX_LIST)]
    encoded_options: bytes = b""
    subject: int = 0
    experiment: Annotated[int, Meta(ge=0, lt=2**32)] = 0
    known_revision: Revision = -1
    popularity_revision: Revision = -1
    impressions: RecentImpressions = NO_IMPRESSIONS
    is_batched: bool = False

    def encode(self) -> str:
        """Return the id as text: some 150 characters for ten items, and a few more an item."""
        return codec.encode(self, PURPOSE)

    @property
    def sources(self) -> list[Source]:
        """Where each item comes from."""
        return [SOURCES[code] for code in self.source_codes]

    def options(self) -> Options:
        """Return what was asked for.

        Raises:
            ValueError: if Palate did not write them.
        """
        return decode_options(self.encoded_options)

    def position(self, place: int) -> int:
        """Return the position in the whole list, from 1, of the item at a place of this page, from 0."""
        return len(self.previous_items) + place + 1


def decode(text: str, field: str) -> RecommendationId:
    """Read an answer's id; ``field`` is where it stood.

    Raises:
        InvalidRequest: if it is none.
    """
    try:
        token = codec.Token.parse(text)
        if token.is_for(struct_format.PURPOSE):
            fields = struct_format.read(token.body)
            return check(RecommendationId(**fields | {"list_type": ListType(fields["list_type"])}))
        if not token.is_for(PURPOSE):
            raise ValueError("damaged")
        return check(token.decode(RecommendationId))
    except (ValueError, IndexError):
        raise InvalidRequest(f"{field} {HOW_TO_MEND}.", [FieldProblem(field, HOW_TO_MEND)]) from None


def check(answer: RecommendationId) -> RecommendationId:
    """Return an id that holds nothing a database refuses.

    Raises:
        ValueError: if this one does.
    """
    if len(answer.items) != len(answer.source_codes) or max(answer.source_codes, default=0) >= len(SOURCES):
        raise ValueError("not a source for each item")
    if len(answer.previous_items) > MAX_PREVIOUS_ITEMS or not answer.impressions.is_valid:
        raise ValueError("longer than any list")
    if answer.version is not None:
        storable(answer.version)
    return answer


def number_of(text: str) -> int:
    """Return a number of 63 bits by which a valid id is known among all others."""
    return int.from_bytes(codec.Token.parse(text).check) >> 1


def encode_sources(sources: Sequence[Source]) -> bytes:
    """Return where items come from, a byte each."""
    return bytes([CODE_OF[source] for source in sources])


@lru_cache(1024)
def encode_options(options: Options) -> bytes:
    """Return what differs from the plain options, as compressed JSON; nothing for those."""
    if options == PLAIN_OPTIONS:
        return b""
    return zlib.compress(OPTIONS.dump_json(options, exclude_defaults=True), 9)


def decode_options(code: bytes) -> Options:
    """Read options back.

    Raises:
        ValueError: if they are not what `encode_options` returned.
    """
    if not code:
        return PLAIN_OPTIONS
    try:
        return OPTIONS.validate_json(zlib.decompressobj().decompress(code, MAX_OPTIONS_BYTES))
    except zlib.error as wrong:
        raise ValueError(str(wrong)) from wrong
