"""Request and response of the route of what-if."""

from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from app.kit.ids import ExternalId
from app.kit.validation import StopEarly
from app.recommendations.request.enums import Reason
from app.recommendations.request.query import FEWER_EXPLAINED, RecommendationQuery
from app.recommendations.users.schemas import GuestRating, Recommendation
from app.settings import MAX_GUEST_RATINGS

SOME_CHANGE: dict[str, Any] = {"not": {"properties": {"set": {"maxItems": 0}, "remove": {"maxItems": 0}}}}


class WhatIfRequest(RecommendationQuery):
    """Ratings that a user might give or remove, and what is asked for."""

    model_config = ConfigDict(
        extra="forbid",
        strict=True,
        json_schema_extra=FEWER_EXPLAINED
        | SOME_CHANGE
        | {
            "examples": [
                {"set": [{"item_id": "blade-runner-1982", "value": 1}], "remove": ["alien-1979"], "limit": 5},
            ]
        },
    )

    set: Annotated[list[GuestRating], StopEarly] = Field(
        default_factory=list, max_length=MAX_GUEST_RATINGS, description="Ratings to add or to change."
    )
    remove: Annotated[list[ExternalId], StopEarly] = Field(
        default_factory=list, max_length=MAX_GUEST_RATINGS, description="Items whose rating to remove."
    )

    @model_validator(mode="after")
    def _something_changes(self) -> Self:
        if not self.set and not self.remove:
            raise ValueError("name ratings to change in `set`, or items whose rating to take back in `remove`")
        if both := {rating.item_id for rating in self.set} & {*self.remove}:
            raise ValueError(f"{sorted(both)[0]!r} is in `set` and in `remove`: keep one of them")
        return self


class Answer(BaseModel):
    """A list, as it is recommended."""

    model_version: str | None
    personalised: bool
    reason: Reason | None = Field(description="Why the list is not personal.")
    reason_detail: str | None = Field(description="The reason as a sentence.")
    items: list[Recommendation]


class Move(BaseModel):
    """An item whose place changes."""

    item_id: str
    title: str | None
    before: int | None = Field(
        description="Place, the first is 1; also beyond `limit`, up to the 200th. Null: none, or further down."
    )
    after: int | None
    score_change: float | None = Field(description="Null where either is unknown, or of another source.")
    rating_change: float | None = Field(description="Of the predicted rating; null likewise.")


class WhatIf(BaseModel):
    """A user's list as it is and as it would be."""

    user_id: str
    revision: int | None = Field(description="Of the user's latest rating change, which `before` has seen.")
    unknown_items: list[str] = Field(description="In `set`, but not in the catalogue: left out.")
    not_rated: list[str] = Field(description="In `remove`, but not rated: nothing to remove.")
    before: Answer
    after: Answer
    moves: list[Move] = Field(description="In the order of the new list; items no longer in it come last.")
