"""Predicted ratings over HTTP."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from app.deps import SettingsDep
from app.errors import InvalidRequest
from app.ids import ExternalId
from app.paths import PathUserId
from app.problem import problem_responses
from app.recommendations import predictions
from app.recommendations.prediction_schemas import GuestPredictions, PredictionRequest, Predictions
from app.recommendations.router import ServingDep, json_response
from app.settings import MAX_LIST

router = APIRouter(prefix="/v1", tags=["recommendations"])
ItemIds = Annotated[
    list[ExternalId],
    Query(min_length=1, max_length=MAX_LIST, description="Repeat it for several.", examples=["blade-runner-1982"]),
]


@router.get(
    "/users/{user_id}/predictions",
    summary="Predict a user's ratings of named items",
    response_model=Predictions,
    responses=problem_responses(InvalidRequest),
)
async def predict_for_user(user_id: PathUserId, item_id: ItemIds, serving: ServingDep) -> Response:
    """Predict how a user will rate items, with the measured error of such predictions beside it."""
    return json_response(await predictions.for_user(serving, user_id, item_id))


@router.post(
    "/predictions",
    summary="Predict a guest's ratings of named items",
    response_model=GuestPredictions,
    responses=problem_responses(InvalidRequest),
)
async def predict_for_guest(asked: PredictionRequest, serving: ServingDep, settings: SettingsDep) -> Response:
    """Predict by the ratings in the request. Nothing is stored."""
    return json_response(await predictions.for_guest(serving, settings, asked))
