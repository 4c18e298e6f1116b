"""Requests and responses of the routes that recommend."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from app.kit.ids import ExternalId
from app.kit.validation import StopEarly
from app.ratings.schemas import RatedAt, Value
from app.recommendations.request.enums import Reason, Source
from app.recommendations.request.query import FEWER_EXPLAINED, RecommendationQuery
from app.settings import MAX_GUEST_RATINGS, MAX_LIST

Cursor = Annotated[
    str | None, Field(description="`next_cursor` of the page before; everything but `limit` must be as it was there.")
]
AnswerId = Annotated[
    str, Field(description="Names this answer; send it with events about the answer. Some 150 characters or more.")
]


class Cause(BaseModel):
    """A rating that moved an item; effects are the item's figures with the rating less those without it."""

    item_id: str
    title: str | None
    value: float = Field(description="The rating.")
    effect: float = Field(description="On the predicted rating, in its units.")
    score_effect: float = Field(description="On the model's score, before boosts.")


class Together(BaseModel):
    """The joint effect of all named ratings that raised an item: single effects do not add up."""

    num_ratings: int
    effect: float = Field(description="On the predicted rating, in its units.")
    score_effect: float = Field(description="On the model's score, before boosts.")


class Recommendation(BaseModel):
    """One recommended item."""

    item_id: str
    title: str | None
    score: float | None = Field(description="Orders the items of one source; it has no unit. Null for new items.")
    predicted_rating: float | None = Field(
        description="On the declared scale: the model's prediction, or the mean rating of a popular item. Null for new."
    )
    source: Source
    rated: bool = Field(description="Whether it is among the ratings this answer is based on.")
    because: list[Cause] | None = Field(
        None,
        description="With `explain`: the ratings that raised or lowered the score most, the largest effect first. "
        "Empty for an item that no single rating moved, such as a popular or a new one.",
    )
    because_together: Together | None = Field(None, description="With `explain`; null if no rating raised the score.")


class Recommendations(BaseModel):
    """A list of recommended items, and what it was made from."""

    recommendation_id: AnswerId
    user_id: str | None = Field(description="Null for a guest.")
    model_version: str | None
    revision: int | None = Field(description="Of the user's latest rating change, which this answer has seen.")
    personalised: bool
    reason: Reason | None = Field(description="Why the answer is not personal.")
    reason_detail: str | None = Field(description="The reason as a sentence.")
    items: list[Recommendation]
    next_cursor: str | None = Field(description="`cursor` of the next page of this list; null on the last.")

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "recommendation_id": "l3Vd9r0xY2Q...",
                    "user_id": "ada",
                    "model_version": "2026-11-23T10-15-00Z-linear",
                    "revision": 48211,
                    "personalised": True,
                    "reason": None,
                    "reason_detail": None,
                    "items": [
                        {
                            "item_id": "2001-a-space-odyssey-1968",
                            "title": "2001: A Space Odyssey",
                            "score": 1.731,
                            "predicted_rating": 4.6,
                            "source": "personal",
                            "rated": False,
                        }
                    ],
                    "next_cursor": None,
                }
            ]
        }
    )


class GuestRecommendations(Recommendations):
    """Recommendations by a posted list of ratings."""

    unknown_items: int = Field(
        description="Posted ratings of items that the catalogue does not have; they are ignored."
    )


class GuestRating(BaseModel):
    """A guest's rating. Of two ratings of one item the later counts; of equal times, the last in the list."""

    model_config = ConfigDict(extra="forbid")

    item_id: Annotated[ExternalId, Field(examples=["blade-runner-1982"])]
    value: Value
    rated_at: RatedAt = None


class GuestRequest(RecommendationQuery):
    """Ratings of a guest, who is not stored, and what is asked for."""

    model_config = ConfigDict(
        extra="forbid",
        strict=True,  # unlike a query, JSON has types: `"limit": true` is no number
        json_schema_extra=FEWER_EXPLAINED
        | {
            "examples": [
                {"ratings": [{"item_id": "blade-runner-1982", "value": 5}], "limit": 5},
                {
                    "ratings": [{"item_id": "blade-runner-1982", "value": 5}],
                    "category": ["Sci-Fi", "Thriller"],
                    "exclude_category": ["Horror"],
                    "attribute": [{"name": "year", "gte": 1990}, {"name": "country", "in": ["FR", "DE"]}],
                    "block": ["alien-1979"],
                    "boost": [{"factor": 2, "category": ["Drama"]}],
                    "pin": [{"item_id": "metropolis-1927", "position": 2}],
                    "diversity": 0.3,
                    "exploration": 0.1,
                },
            ]
        },
    )

    ratings: Annotated[list[GuestRating], Field(max_length=MAX_GUEST_RATINGS), StopEarly]
    cursor: Cursor = None


class BatchRequest(RecommendationQuery):
    """Users, and what is asked for each of them."""

    model_config = ConfigDict(
        extra="forbid",
        strict=True,
        json_schema_extra=FEWER_EXPLAINED | {"examples": [{"users": ["ada", "grace"], "limit": 5}]},
    )

    users: Annotated[list[ExternalId], Field(min_length=1, max_length=MAX_LIST)]


class BatchRecommendations(BaseModel):
    """Recommendations for many users."""

    answers: list[Recommendations] = Field(
        description="One for each user, in the order of the request, each as the user's own request would return it."
    )
