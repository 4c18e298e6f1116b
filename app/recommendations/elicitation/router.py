"""Questions over HTTP."""

from typing import Annotated

from fastapi import APIRouter, Depends, Response

from app.kit.errors import InvalidRequest
from app.recommendations.elicitation import service
from app.recommendations.elicitation.schemas import GuestQuestions, QuestionRequest, Questions
from app.recommendations.request.options import Options
from app.recommendations.users.response import json_response
from app.recommendations.users.router import ServingDep, get_options, query_parameters
from app.web.bounded import BoundedRoute
from app.web.deps import SettingsDep
from app.web.paths import PathUserId
from app.web.problem import problem_responses

router = APIRouter(route_class=BoundedRoute, prefix="/v1", tags=["recommendations"])


@router.get(
    "/users/{user_id}/questions",
    summary="Choose what to ask a user about",
    response_model=Questions,
    responses=problem_responses(InvalidRequest),
    openapi_extra={"parameters": query_parameters()},
)
async def ask_user(
    user_id: PathUserId, serving: ServingDep, options: Annotated[Options, Depends(get_options)]
) -> Response:
    """List the items whose rating would tell most about the user, among those that many users know."""
    return json_response(await service.for_user(serving, user_id, options))


@router.post(
    "/questions",
    summary="Choose what to ask a guest about",
    response_model=GuestQuestions,
    responses=problem_responses(InvalidRequest),
)
async def ask_guest(asked: QuestionRequest, serving: ServingDep, settings: SettingsDep) -> Response:
    """List them for a guest, by the ratings in the request. Nothing is stored."""
    return json_response(await service.for_guest(serving, settings, asked))
