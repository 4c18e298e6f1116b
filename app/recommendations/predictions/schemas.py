"""Requests and responses of the routes that predict ratings."""

from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from app.kit.ids import ExternalId
from app.kit.validation import StopEarly
from app.recommendations.request.enums import Reason
from app.recommendations.users.schemas import GuestRating
from app.settings import MAX_GUEST_RATINGS, MAX_LIST


class Unknown(StrEnum):
    """Why there is no prediction."""

    NO_SUCH_ITEM = "no_such_item"
    NOT_LEARNED = "not_learned"
    NO_MODEL = "no_model"


class Prediction(BaseModel):
    """What the model expects of one item."""

    item_id: str
    title: str | None
    known: bool = Field(description="Whether there is a prediction; `reason` says why not.")
    reason: Unknown | None
    reason_detail: str | None = Field(description="The reason as a sentence.")
    predicted_rating: float | None = Field(description="On the declared scale.")
    rating: float | None = Field(description="The user's own rating of it.")
    active: bool = Field(description="It may be recommended.")


class Predictions(BaseModel):
    """Predictions of one user's ratings, and the measured error of such predictions."""

    user_id: str | None = Field(description="Null for a guest.")
    revision: int | None = Field(description="Of the user's latest rating change, which this answer has seen.")
    model_version: str | None
    personalised: bool
    reason: Reason | None = Field(description="Why the predictions are not personal.")
    reason_detail: str | None = Field(description="The reason as a sentence.")
    rmse: float | None = Field(
        description="Root mean squared error of this version's predictions for users held out of its training, in "
        "units of the scale; null where it was not measured."
    )
    mae: float | None = Field(description="Mean absolute error of the same predictions.")
    predictions: list[Prediction]


class GuestPredictions(Predictions):
    """Predictions by a posted list of ratings."""

    unknown_items: int = Field(
        description="Posted ratings of items that the catalogue does not have; they are ignored."
    )


class PredictionRequest(BaseModel):
    """Ratings of a guest, who is not stored, and the items to predict."""

    model_config = ConfigDict(
        extra="forbid",
        strict=True,
        json_schema_extra={
            "examples": [{"ratings": [{"item_id": "blade-runner-1982", "value": 5}], "item_ids": ["alien-1979"]}]
        },
    )

    ratings: Annotated[list[GuestRating], Field(max_length=MAX_GUEST_RATINGS), StopEarly]
    item_ids: Annotated[list[ExternalId], Field(min_length=1, max_length=MAX_LIST)]
