"""What-if over HTTP."""

from fastapi import APIRouter, Response

from app.deps import SettingsDep
from app.errors import InvalidRequest
from app.paths import PathUserId
from app.problem import problem_responses
from app.recommendations import what_if
from app.recommendations.router import ServingDep, json_response
from app.recommendations.what_if_schemas import WhatIf, WhatIfRequest

router = APIRouter(prefix="/v1", tags=["recommendations"])


@router.post(
    "/users/{user_id}/what-if",
    summary="Recommend as if a user had rated otherwise",
    response_model=WhatIf,
    responses=problem_responses(InvalidRequest),
)
async def ask_what_if(
    user_id: PathUserId, asked: WhatIfRequest, serving: ServingDep, settings: SettingsDep
) -> Response:
    """Give a user's recommendations as they are and as they would be, and what moves. Nothing is stored."""
    return json_response(await what_if.for_user(serving, settings, user_id, asked))
