"""Turns posted events into rows of the table, or into the reasons to refuse them."""

from collections.abc import Sequence
from contextlib import suppress
from typing import NamedTuple, NoReturn

from app.backup.spans import UndoneSpan, is_undone
from app.feedback.schemas import EventIn
from app.kit.errors import FieldProblem, InvalidRequest
from app.kit.times import to_us
from app.recommendations.catalogue.index import Catalogue
from app.recommendations.tokens.recommendation_id import RecommendationId, decode, number_of
from app.web.bulk import BulkReader, Refused, is_object

READER = BulkReader(EventIn)
MAX_ROWS = 20_000  # per request: an `impression` has one for each item
MAX_CLOCK_SKEW_US = 5 * 60 * 1_000_000
WITH_VALUE = {"rating", "purchase"}


class EventRow(NamedTuple):
    """One event of one item, in the order of the table's columns, its key first."""

    answered_at_us: int
    answer: int
    item: int
    type: str
    user: int | None
    list: str
    version: str | None
    source: str
    position: int
    experiment: int
    value: float | None
    occurred_at_us: int


Parsed = list[EventRow] | Refused


class Reading:
    """The events of one request; each answer's id is decoded once."""

    def __init__(self, body: bytes, catalogue: Catalogue, now_us: int, undone: Sequence[UndoneSpan] = ()) -> None:
        """Read the body.

        Raises:
            InvalidRequest: if it is neither an event nor a list of events.
        """
        self.posted = READER.read(body)
        self._places_of = [""] if is_object(body) else [f"/{index}" for index in range(len(self.posted))]
        self._catalogue = catalogue
        self._now_us = now_us
        self._undone = undone
        self._known: dict[str, tuple[RecommendationId, int]] = {}
        self._num_rows = 0

    def catalogue_revision(self) -> int:
        """Return the newest catalogue revision of the answers: the events can be read only with that or a later one."""
        for event in self.posted:
            if isinstance(event, EventIn):
                with suppress(InvalidRequest):
                    self._identity(event.recommendation_id, "")
        return max((identity.catalogue_revision for identity, _ in self._known.values()), default=0)

    def rows(self) -> list[Parsed]:
        """Return the rows of each good event."""
        return [self.rows_of(event, place) for event, place in zip(self.posted, self._places_of, strict=True)]

    def rows_of(self, event: EventIn | Refused, place: str) -> Parsed:
        """Return the rows of an event: one, or one for each item."""
        if isinstance(event, Refused):
            return event
        values = {"type": event.type, "item_id": event.item_id}
        try:
            identity, answer = self._identity(event.recommendation_id, f"{place}/recommendation_id")
            self._check(event, identity, place)
            places = self._places(event, identity, place)
        except InvalidRequest as error:
            return Refused(values, error.fields)
        return [self._row(event, identity, answer, each) for each in places]

    def _identity(self, text: str, field: str) -> tuple[RecommendationId, int]:
        if text not in self._known:
            self._known[text] = decode(text, field), number_of(text)
        return self._known[text]

    def _check(self, event: EventIn, identity: RecommendationId, place: str) -> None:
        if event.value is not None and event.type not in WITH_VALUE:
            refuse(f"{place}/value", f"means nothing for {event.type}: leave it out")
        if event.item_id is None and event.type != "impression":
            refuse(f"{place}/item_id", f"is missing: name the item of the {event.type}")
        latest = self._now_us + MAX_CLOCK_SKEW_US
        if identity.at_us > latest:
            refuse(f"{place}/recommendation_id", "is of a moment that has not come: set the clock of this server")
        if is_undone(self._undone, identity.at_us):
            refuse(f"{place}/recommendation_id", "is of a time that a restore of the database has undone: leave it out")
        if event.at is not None and not identity.at_us - MAX_CLOCK_SKEW_US <= to_us(event.at) <= latest:
            refuse(f"{place}/at", "is before the answer was made, or in the future: give the event's time, or none")

    def _places(self, event: EventIn, identity: RecommendationId, place: str) -> Sequence[int]:
        """Return the places, from 0, of the event's items in the answer."""
        if event.item_id is None:
            if any(item not in self._catalogue.slot_of_id for item in identity.items):
                refuse(f"{place}/recommendation_id", "names items that are not here: it is of another server")
            places: Sequence[int] = range(len(identity.items))
        else:
            slot = self._catalogue.slot_of_external_id.get(event.item_id)
            item = None if slot is None else self._catalogue.ids[slot]
            if item is None or item not in identity.items:
                refuse(f"{place}/item_id", f"{event.item_id!r} was not in this answer: name one of its items")
            places = [identity.items.index(item)]
        if self._num_rows + len(places) > MAX_ROWS:
            refuse(place or "/", f"is more than {MAX_ROWS} items in one request: send it in a further one")
        self._num_rows += len(places)
        return places

    def _row(self, event: EventIn, identity: RecommendationId, answer: int, place: int) -> EventRow:
        return EventRow(
            identity.at_us,
            answer,
            identity.items[place],
            event.type,
            identity.user or None,
            identity.list_type.name.lower(),
            identity.version,
            identity.sources[place],
            identity.position(place),
            identity.experiment,
            event.value,
            self._now_us if event.at is None else to_us(event.at),
        )


def refuse(field: str, detail: str) -> NoReturn:
    """Raise `InvalidRequest` for one field of an event."""
    raise InvalidRequest(f"{field} {detail}.", [FieldProblem(field, detail)])
