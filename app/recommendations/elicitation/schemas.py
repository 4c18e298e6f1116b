"""Requests and responses of the routes that choose questions."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from app.kit.validation import StopEarly
from app.recommendations.request.query import RecommendationQuery
from app.recommendations.users.schemas import GuestRating
from app.settings import MAX_GUEST_RATINGS


class Question(BaseModel):
    """An item to ask about."""

    item_id: str
    title: str | None
    information: float | None = Field(
        description="How much the rating would change the list, by expectation: 1 for the first. Null without a model."
    )
    predicted_rating: float | None = Field(description="What the model expects, on the declared scale.")


class Questions(BaseModel):
    """Items whose rating would tell the model most, the most informative first."""

    user_id: str | None = Field(description="Null for a guest.")
    revision: int | None = Field(description="Of the user's latest rating change, which this answer has seen.")
    model_version: str | None = Field(description="Null without a model: then popular items are asked about.")
    questions: list[Question]


class GuestQuestions(Questions):
    """Questions to a guest, who is not stored."""

    unknown_items: int = Field(
        description="Posted ratings of items that the catalogue does not have; they are ignored."
    )


class QuestionRequest(RecommendationQuery):
    """Ratings of a guest, perhaps none, and which items the questions may be about."""

    model_config = ConfigDict(
        extra="forbid",
        strict=True,
        json_schema_extra={"examples": [{"ratings": [{"item_id": "blade-runner-1982", "value": 5}], "limit": 3}]},
    )

    ratings: Annotated[list[GuestRating], Field(max_length=MAX_GUEST_RATINGS), StopEarly]
