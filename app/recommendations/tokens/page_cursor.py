"""Where a page of recommendations ended, written as a cursor that any API process can read.

It holds what the list is made from (model version, revision of the user's ratings, newest item) and which items were
shown. The next page is the rest of that list, so that no item comes twice and none is passed over, whatever becomes
of the catalogue in between.
"""

from typing import Annotated, NamedTuple

import msgspec
from msgspec import Meta

from app.kit.errors import FieldProblem, InvalidCursor
from app.recommendations.catalogue.index import NO_SLOTS, Slots
from app.recommendations.ranking.rotation import NO_IMPRESSIONS, RecentImpressions
from app.recommendations.tokens import codec

MAX_PREVIOUS_ITEMS = codec.MAX_SLOTS  # of one list; the cursor grows with them, by half a byte to a byte each
WHAT_MAKES_A_LIST = "send it with the user or ratings and the options of the first page, or leave it out"


class PageCursor(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """A list, and how far it was shown.

    Attributes:
        version: the model's; None if there was none.
        revision: of the user's ratings; None for a guest or an unknown user.
        num_slots: how many items there were; newer ones are not in the list.
        previous_items: int64 (S,), slots of the items on earlier pages, ascending.
        impressions: what the user had been shown when the list began, if that counts against it.
        restored_at_us: when the database was last restored from a backup; 0 if never.
    """

    version: str | None
    revision: Annotated[int, Meta(ge=0, le=2**63 - 1)] | None
    num_slots: Annotated[int, Meta(ge=0, lt=2**32)]
    previous_items: Slots = NO_SLOTS
    impressions: RecentImpressions = NO_IMPRESSIONS
    restored_at_us: Annotated[int, Meta(ge=0, le=2**63 - 1)] = 0


class Cursor(NamedTuple):
    """What a cursor says, of whatever list."""

    page: PageCursor
    token: codec.Token
    field: str

    def of(self, owner: bytes) -> PageCursor:
        """Return the place in the list with this hash.

        Raises:
            InvalidCursor: if the cursor is of another list, or was altered.
        """
        if not self.token.is_for(owner):
            detail = f"is damaged or one of another list: {WHAT_MAKES_A_LIST}"
            raise InvalidCursor(f"The cursor {detail}.", [FieldProblem(self.field, detail)])
        return self.page


def decode(cursor: str, field: str) -> Cursor:
    """Read a cursor; ``field`` is where it stood.

    Raises:
        InvalidCursor: if it is none.
    """
    try:
        token = codec.Token.parse(cursor)
        page = token.decode(PageCursor)
        if not page.impressions.is_valid:
            raise ValueError("not a step for each item")
        return Cursor(page, token, field)
    except ValueError:
        wrong = FieldProblem(field, "take `next_cursor` of a former answer, or leave it out")
        raise InvalidCursor(fields=[wrong]) from None
