"""Similar users over HTTP."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from app.kit.errors import InvalidRequest, UserNotFound
from app.recommendations.similar_users.schemas import SimilarUsers
from app.recommendations.similar_users.service import similar_users
from app.recommendations.users.response import json_response
from app.recommendations.users.router import ServingDep
from app.web.paths import PathUserId
from app.web.problem import problem_responses

router = APIRouter(prefix="/v1/users", tags=["recommendations"])
MAX_USERS = 100


@router.get(
    "/{user_id}/similar",
    summary="List users of similar taste",
    response_model=SimilarUsers,
    responses=problem_responses(UserNotFound, InvalidRequest),
)
async def get_similar_users(
    user_id: PathUserId,
    serving: ServingDep,
    limit: Annotated[int, Query(ge=1, le=MAX_USERS, description="Number of users.", examples=[5])] = 10,
) -> Response:
    """List the users who rated the same items, and in the same way."""
    return json_response(await similar_users(serving, user_id, limit))
