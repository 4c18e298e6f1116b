"""What-if over HTTP."""

from fastapi import APIRouter, Response

from app.kit.errors import InvalidRequest
from app.recommendations.users.response import json_response
from app.recommendations.users.router import ServingDep
from app.recommendations.what_if import service
from app.recommendations.what_if.schemas import WhatIf, WhatIfRequest
from app.web.bounded import BoundedRoute
from app.web.deps import SettingsDep
from app.web.paths import PathUserId
from app.web.problem import problem_responses

router = APIRouter(route_class=BoundedRoute, prefix="/v1", tags=["recommendations"])


@router.post(
    "/users/{user_id}/what-if",
    summary="Recommend as if a user had rated otherwise",
    response_model=WhatIf,
    responses=problem_responses(InvalidRequest),
)
async def ask_what_if(
    user_id: PathUserId, asked: WhatIfRequest, serving: ServingDep, settings: SettingsDep
) -> Response:
    """Return a user's recommendations as they are and as they would be, and which items move. Nothing is stored."""
    return json_response(await service.for_user(serving, settings, user_id, asked))
