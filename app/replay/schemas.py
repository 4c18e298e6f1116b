"""What the route of replays takes and gives."""

from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field
from pydantic.config import JsonDict

from app.kit.ids import ExternalId
from app.kit.times import to_us
from app.kit.validation import StopEarly
from app.recommendations.request.enums import Reason
from app.recommendations.tokens import codec
from app.recommendations.tokens.recommendation_id import PURPOSE, ListType, RecommendationId
from app.recommendations.users.schemas import GuestRating, Recommendation
from app.settings import MAX_GUEST_RATINGS

MAX_ID = 100_000  # characters; a page after many is long
BEFORE_ANYTHING = RecommendationId(  # an answer to an unknown user by a server that knew nothing yet
    list_type=ListType.USER,
    version=None,
    catalogue_revision=0,
    at_us=to_us(datetime(2026, 11, 23, 10, 15, tzinfo=UTC)),
    num_slots=0,
    items=[],
    source_codes=b"",
    popularity_revision=0,
)


EXAMPLE: JsonDict = {"recommendation_id": codec.encode(BEFORE_ANYTHING, PURPOSE)}


class ReplayKind(StrEnum):
    """What sort of list an answer is."""

    USER = "user"  # for a user
    GUEST = "guest"  # for a guest, by posted ratings
    POPULAR = "popular"  # popular items
    NEW = "new"  # new items


class ReplayRequest(BaseModel):
    """An answer to make again."""

    model_config = ConfigDict(
        extra="forbid",
        strict=True,
        json_schema_extra={"examples": [EXAMPLE]},
    )

    recommendation_id: Annotated[str, Field(max_length=MAX_ID, description="As the answer gave it.")]
    user_id: Annotated[
        ExternalId | None, Field(description="Whose the answer is: the replay is refused if it is another's.")
    ] = None
    ratings: Annotated[
        list[GuestRating] | None,
        Field(
            max_length=MAX_GUEST_RATINGS, description="A guest's: the same that they posted then. They are not stored."
        ),
        StopEarly,
    ] = None
    explain: Annotated[
        bool | None, Field(description="Say which ratings each item was due to; left out: as the answer did.")
    ] = None


class Replay(BaseModel):
    """An answer made again, from the ratings, the catalogue and the model of then."""

    kind: ReplayKind
    user_id: str | None = Field(description="Null for a guest and for an unknown user.")
    revision: int | None = Field(description="Of the user's latest rating change, which the answer had seen.")
    catalogue_revision: int
    model_version: str | None
    answered_at: datetime
    replayed: bool = Field(description="True: this was made again.")
    identical: bool = Field(description="Whether items, order and sources are those that the id says the answer had.")
    personalised: bool
    reason: Reason | None = Field(description="Why the answer was not personal.")
    reason_detail: str | None
    items: list[Recommendation]
