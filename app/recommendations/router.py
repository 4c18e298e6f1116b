"""Recommendations over HTTP. Answers are written as bytes: validating our own output costs more than making it."""

from typing import Annotated, Any, cast

import orjson
from fastapi import APIRouter, Depends, Query, Request, Response

from app.deps import SettingsDep
from app.errors import InvalidRequest
from app.paths import PathUserId
from app.problem import problem_responses
from app.recommendations import answers
from app.recommendations.schemas import Category, GuestRecommendations, GuestRequest, Recommendations
from app.recommendations.service import Options
from app.recommendations.serving import Serving
from app.settings import MAX_LIST

router = APIRouter(prefix="/v1", tags=["recommendations"])


async def get_serving(request: Request) -> Serving:
    """Give what this process answers from."""
    return cast("Serving", request.app.state.serving)


ServingDep = Annotated[Serving, Depends(get_serving)]


async def get_options(
    limit: Annotated[int, Query(ge=1, le=MAX_LIST, description="Number of items.")] = 10,
    category: Annotated[list[Category], Query(max_length=20, description="Only items in any of these.")] = [],  # noqa: B006
    exclude_category: Annotated[list[Category], Query(max_length=20, description="No items in any of these.")] = [],  # noqa: B006
    include_rated: Annotated[bool, Query(description="Recommend rated items too.")] = False,
) -> Options:
    """Read the parameters."""
    return Options(limit, tuple(category), tuple(exclude_category), include_rated)


def json_response(answer: dict[str, Any]) -> Response:
    """Write an answer."""
    return Response(orjson.dumps(answer), media_type="application/json")


@router.get(
    "/users/{user_id}/recommendations", response_model=Recommendations, responses=problem_responses(InvalidRequest)
)
async def recommend_for_user(
    user_id: PathUserId, serving: ServingDep, options: Annotated[Options, Depends(get_options)]
) -> Response:
    """Recommend items to a user, going by his ratings as of now."""
    return json_response(await answers.for_user(serving, user_id, options))


@router.post("/recommendations", response_model=GuestRecommendations, responses=problem_responses(InvalidRequest))
async def recommend_for_guest(guest: GuestRequest, serving: ServingDep, settings: SettingsDep) -> Response:
    """Recommend items to somebody by the ratings in the request. Nothing is stored."""
    return json_response(await answers.for_guest(serving, settings, guest))
