"""Users of similar taste over HTTP."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from app.errors import InvalidRequest, UserNotFound
from app.paths import PathUserId
from app.problem import problem_responses
from app.recommendations.router import ServingDep, json_response
from app.recommendations.schemas import SimilarUsers
from app.recommendations.similar_users import similar_users

router = APIRouter(prefix="/v1/users", tags=["recommendations"])
MOST = 100


@router.get(
    "/{user_id}/similar",
    summary="List users of similar taste",
    response_model=SimilarUsers,
    responses=problem_responses(UserNotFound, InvalidRequest),
)
async def get_similar_users(
    user_id: PathUserId,
    serving: ServingDep,
    limit: Annotated[int, Query(ge=1, le=MOST, description="Number of users.", examples=[5])] = 10,
) -> Response:
    """List the users who rated the same items, and the same way."""
    return json_response(await similar_users(serving, user_id, limit))
