"""What the route of merging takes and returns."""

from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema, model_validator

from app.kit.ids import ExternalId
from app.ratings.schemas import RatingOfItem, RatingsWritten
from app.settings import MAX_GUEST_RATINGS

RATINGS_SCHEMA = {
    "type": ["array", "null"],
    "items": RatingOfItem.model_json_schema(),
    "minItems": 1,
    "maxItems": MAX_GUEST_RATINGS,
    "description": "The guest's ratings; an invalid row is refused, the others are stored.",
}
ONE_SOURCE: dict[str, Any] = {  # exactly one is there and not null
    "if": {"required": ["ratings"], "properties": {"ratings": {"type": "array"}}},
    "then": {"properties": {"from_user_id": {"type": "null"}}},
    "else": {"required": ["from_user_id"], "properties": {"from_user_id": {"type": "string"}}},
}
POSTED: Any = [{"item_id": "blade-runner-1982", "value": 5, "rated_at": "2026-11-23T10:15:00Z"}]


class MergeRequest(BaseModel):
    """Whose ratings become the user's: those of a stored user, or those in the request."""

    model_config = ConfigDict(
        extra="forbid",
        strict=True,
        json_schema_extra=ONE_SOURCE | {"examples": [{"ratings": POSTED}, {"from_user_id": "guest-7"}]},
    )

    from_user_id: Annotated[ExternalId | None, Field(description="A stored user: their ratings are moved.")] = None
    ratings: Annotated[
        list[Any] | None, Field(min_length=1, max_length=MAX_GUEST_RATINGS), WithJsonSchema(RATINGS_SCHEMA)
    ] = None

    @model_validator(mode="after")
    def one_source(self) -> Self:
        """Take one of the two.

        Raises:
            ValueError: if there are none or both.
        """
        if (self.from_user_id is None) == (self.ratings is None):
            raise ValueError("needs from_user_id or ratings, one of the two")
        return self


class MergeOut(RatingsWritten):
    """The answer to a merge; all of it is committed."""

    user_id: str
    from_user_id: str | None = Field(description="Null for posted ratings.")
    moved: int = Field(description="Ratings that the other user had and has no longer; 0 for posted ones.")
