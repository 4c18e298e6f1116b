"""Ratings as the API takes and returns them."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field

from app.kit.ids import ExternalId
from app.kit.times import rfc3339

Value = Annotated[float, Field(strict=True, allow_inf_nan=False, description="On the declared scale.", examples=[4.5])]


RatedAt = Annotated[
    AwareDatetime | None,
    BeforeValidator(rfc3339),
    Field(
        description="When the user rated, RFC 3339; now if left out. The latest wins.",
        examples=["2026-11-23T10:15:00Z"],
    ),
]


class RatingIn(BaseModel):
    """A rating to store."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    user_id: Annotated[ExternalId, Field(examples=["ada"])]
    item_id: Annotated[ExternalId, Field(examples=["blade-runner-1982"])]
    value: Value
    rated_at: RatedAt = None


class RatingOfItem(BaseModel):
    """A rating of a user whom the request names elsewhere."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    item_id: Annotated[ExternalId, Field(examples=["blade-runner-1982"])]
    value: Value
    rated_at: RatedAt = None


class RatingValue(BaseModel):
    """The value of a rating whose user and item the path names."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    value: Value
    rated_at: RatedAt = None


class RatingResult(BaseModel):
    """What became of one posted rating."""

    index: int = Field(description="Place of the row in the request.", examples=[0])
    user_id: Any = Field(examples=["ada"])
    item_id: Any = Field(examples=["blade-runner-1982"])
    status: Literal["created", "updated", "unchanged", "stale", "refused"] = Field(
        description="`stale`: a later rating or removal is known. `refused`: `errors` says why."
    )
    revision: int | None = Field(default=None, description="Number of the change, if the row made one.")
    errors: list[dict[str, Any]] = Field(default=[], description="The offending fields of a refused row.")


class RatingCounts(BaseModel):
    """How many rows ended how."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    stale: int = 0
    refused: int = 0


class RatingsWritten(BaseModel):
    """The answer to posted ratings; all of it is committed."""

    revision: int = Field(description="Every change up to this number is stored.", examples=[48211])
    counts: RatingCounts
    results: list[RatingResult]


class RatingChanged(BaseModel):
    """The answer to one rating put or removed."""

    user_id: str
    item_id: str
    status: Literal["created", "updated", "unchanged", "stale", "removed"]
    revision: int = Field(description="Every change up to this number is stored.")


class RatingRemoved(RatingChanged):
    """The answer to one rating removed."""

    later: str = Field(description="What becomes of a rating that comes later.")


class RatingOut(BaseModel):
    """A user's rating of an item."""

    item_id: str
    title: str | None
    value: float
    rated_at: datetime
    revision: int


class RatingList(BaseModel):
    """A page of a user's ratings, newest change first."""

    user_id: str
    revision: int
    ratings: list[RatingOut]
    next_cursor: str | None = Field(description="Give it as `cursor` for the next page; null on the last.")


class UserOut(BaseModel):
    """What is known about a user."""

    user_id: str
    num_ratings: int
    revision: int = Field(description="Number of the user's latest change.")
    created_at: datetime
