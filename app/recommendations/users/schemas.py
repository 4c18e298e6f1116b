"""What the recommendation routes take and give."""

from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from app.kit.ids import ExternalId
from app.ratings.schemas import RatedAt, Value
from app.recommendations.ranking.pipeline import Reason
from app.recommendations.ranking.ranked_items import Source
from app.recommendations.request.filter_schemas import FilterIn, RulesIn
from app.recommendations.request.options import Options
from app.settings import MAX_LIST

Cursor = Annotated[
    str | None, Field(description="`next_cursor` of the page before; all else but `limit` as it was there.")
]
MAX_EXPLAINED = 100  # items of an answer
MAX_HOURS = 8_760  # a year


AnswerId = Annotated[
    str, Field(description="Names this answer; send it with what becomes of the answer. Some 200 characters and more.")
]


class Cause(BaseModel):
    """A rating that moved an item: everything else as it is, what the item has with it less what it has without."""

    item_id: str
    title: str | None
    value: float = Field(description="The rating.")
    effect: float = Field(description="On the predicted rating, in its units.")
    score_effect: float = Field(description="On the model's score, before boosts.")


class Together(BaseModel):
    """What all ratings named that raised an item did together: effects of ratings do not add up."""

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
    rated: bool = Field(description="Among the ratings this answer went by.")
    because: list[Cause] | None = Field(
        None,
        description="With `explain`: the ratings that raised or lowered the score most, the largest effect first. "
        "Empty for what no rating moved by itself, popular and new items among them.",
    )
    because_together: Together | None = Field(None, description="With `explain`; null where nothing raised the score.")


class Recommendations(BaseModel):
    """An answer: items, and what they are made from."""

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
    """An answer to a posted list of ratings."""

    unknown_items: int = Field(
        description="Posted ratings of items that the catalogue does not have; they are ignored."
    )


class GuestRating(BaseModel):
    """What a guest thinks of an item. Of two of one item the later counts; at one time, the last in the list."""

    model_config = ConfigDict(extra="forbid")

    item_id: Annotated[ExternalId, Field(examples=["blade-runner-1982"])]
    value: Value
    rated_at: RatedAt = None


class RecommendationQuery(FilterIn, RulesIn):
    """What a caller asks for."""

    limit: Annotated[int, Field(ge=1, le=MAX_LIST, description="Number of items.")] = 10
    include_rated: Annotated[bool, Field(description="Recommend rated items too.")] = False
    diversity: Annotated[
        float, Field(ge=0, le=1, description="How unlike each other the items are to be; 0: the plain order.")
    ] = 0.0
    exploration: Annotated[
        float, Field(ge=0, le=1, description="Share of the places for new items, which are `new` as their source.")
    ] = 0.0
    rotation: Annotated[
        float,
        Field(
            ge=0, le=1, description="How far what the user was shown lately sinks; 0: not at all, 1: behind all else."
        ),
    ] = 0.0
    rotation_hours: Annotated[
        float, Field(gt=0, le=MAX_HOURS, description="For how long what was shown sinks, less and less.")
    ] = 24.0
    explain: Annotated[
        bool,
        Field(description=f"Say for each item which ratings it is due to; `limit` is {MAX_EXPLAINED} at most then."),
    ] = False
    explain_ratings: Annotated[
        int,
        Field(ge=1, le=20, description="Number of ratings named for each item that raised it, and that lowered it."),
    ] = 3

    @model_validator(mode="after")
    def _few_are_explained(self) -> Self:
        if self.explain and self.limit > MAX_EXPLAINED:
            raise ValueError(f"limit must be {MAX_EXPLAINED} at most with explain=true")
        return self

    def options(self) -> Options:
        """Give it as the rules take it."""
        return Options(
            limit=self.limit,
            include_rated=self.include_rated,
            filter=self.filter(),
            rules=self.rules(),
            diversity=self.diversity,
            exploration=self.exploration,
            rotation=self.rotation,
            rotation_hours=self.rotation_hours,
            explain_ratings=self.explain_ratings if self.explain else 0,
        )


class GuestRequest(RecommendationQuery):
    """Ratings of somebody who is not stored, and what he asks for."""

    model_config = ConfigDict(
        extra="forbid",
        strict=True,  # JSON has kinds, other than a query: `"limit": true` is no number
        json_schema_extra={
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

    ratings: Annotated[list[GuestRating], Field(max_length=MAX_LIST)]
    cursor: Cursor = None


class BatchRequest(RecommendationQuery):
    """Users, and what is asked for each of them."""

    model_config = ConfigDict(
        extra="forbid", strict=True, json_schema_extra={"examples": [{"users": ["ada", "grace"], "limit": 5}]}
    )

    users: Annotated[list[ExternalId], Field(min_length=1, max_length=MAX_LIST)]


class BatchRecommendations(BaseModel):
    """The answers to many users."""

    answers: list[Recommendations] = Field(
        description="One a user, in the order asked for, each as the user alone would get it."
    )
