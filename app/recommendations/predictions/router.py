"""Predicted ratings over HTTP."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from app.kit.errors import InvalidRequest
from app.kit.ids import ExternalId
from app.recommendations.predictions import service
from app.recommendations.predictions.schemas import GuestPredictions, PredictionRequest, Predictions
from app.recommendations.users.response import json_response
from app.recommendations.users.router import ServingDep
from app.settings import MAX_LIST
from app.web.bounded import BoundedRoute
from app.web.deps import SettingsDep
from app.web.paths import PathUserId
from app.web.problem import problem_responses

router = APIRouter(route_class=BoundedRoute, prefix="/v1", tags=["recommendations"])
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
    """Predict how a user will rate items, with the measured error of such predictions."""
    return json_response(await service.for_user(serving, user_id, item_id))


@router.post(
    "/predictions",
    summary="Predict a guest's ratings of named items",
    response_model=GuestPredictions,
    responses=problem_responses(InvalidRequest),
)
async def predict_for_guest(asked: PredictionRequest, serving: ServingDep, settings: SettingsDep) -> Response:
    """Predict by the ratings in the request. Nothing is stored."""
    return json_response(await service.for_guest(serving, settings, asked))
