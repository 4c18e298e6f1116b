"""Requests and responses of the route of events."""

from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field

from app.kit.ids import ExternalId
from app.kit.times import rfc3339
from app.recommendations.request.enums import Source
from app.recommendations.tokens import codec
from app.recommendations.tokens.recommendation_id import PURPOSE, ListType, RecommendationId, encode_sources

EXAMPLE_AT_US = 1_795_428_900_000_000
EXAMPLE = codec.encode(
    RecommendationId(
        list_type=ListType.GUEST,
        version=None,
        catalogue_revision=1,
        at_us=EXAMPLE_AT_US,
        num_slots=0,
        items=[1],
        source_codes=encode_sources([Source.POPULAR]),
    ),
    PURPOSE,
)

EventType = Literal["impression", "click", "rating", "purchase"]
NAMES_OF_0_1 = {"shown": "impression", "clicked": "click", "rated": "rating", "bought": "purchase"}


def refuse_old_name(value: Any) -> Any:
    """Raise `ValueError` with the current name for a name of version 0.1."""
    if isinstance(value, str) and value in NAMES_OF_0_1:
        raise ValueError(f"`{value}` is now `{NAMES_OF_0_1[value]}`: send that")
    return value


class EventIn(BaseModel):
    """Feedback on an answer, or on one of its items."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    recommendation_id: Annotated[
        str, Field(strict=True, description="From the answer.", min_length=1, examples=[EXAMPLE])
    ]
    item_id: Annotated[
        ExternalId | None,
        Field(description="An item of the answer. May be left out of an `impression`: of every item of the answer."),
    ] = None
    type: Annotated[EventType, BeforeValidator(refuse_old_name), Field(examples=["impression"])]
    at: Annotated[
        AwareDatetime | None,
        BeforeValidator(rfc3339),
        Field(description="When it happened, RFC 3339; now if left out."),
    ] = None
    value: Annotated[
        float | None,
        Field(strict=True, allow_inf_nan=False, description="The rating of a `rating`; the amount of a `purchase`."),
    ] = None


class EventResult(BaseModel):
    """The result of one posted event."""

    index: int = Field(description="Index of the row in the request.", examples=[0])
    type: Any = Field(examples=["impression"])
    item_id: Any = Field(examples=["blade-runner-1982"])
    status: Literal["recorded", "unchanged", "refused"] = Field(
        description="`unchanged`: all of it was recorded before. `refused`: `errors` says why."
    )
    num_items: int = Field(0, description="Items for which the event is new.")
    errors: list[dict[str, Any]] = Field(default=[], description="The offending fields of a refused row.")


class EventCounts(BaseModel):
    """The number of rows by result."""

    recorded: int = 0
    unchanged: int = 0
    refused: int = 0


class EventsWritten(BaseModel):
    """The response to posted events; all of it is committed."""

    counts: EventCounts
    results: list[EventResult]
