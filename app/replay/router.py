"""Replays over HTTP."""

from typing import Annotated, cast

from fastapi import APIRouter, Depends, Request, Response

from app.kit.errors import InvalidRequest, ReplayUnavailable
from app.recommendations.tokens.recommendation_id import decode
from app.recommendations.users.response import json_response
from app.replay.schemas import Replay, ReplayRequest
from app.replay.service import Replayer, ReplayTask
from app.web.bounded import BoundedRoute
from app.web.problem import problem_responses

router = APIRouter(route_class=BoundedRoute, prefix="/v1", tags=["recommendations"])
EXPLAINED = 3  # ratings of each sign


async def get_replayer(request: Request) -> Replayer:
    """Return what makes answers again."""
    return cast("Replayer", request.app.state.replayer)


@router.post(
    "/replays",
    summary="Make an answer again",
    response_model=Replay,
    response_model_exclude_unset=True,
    responses=problem_responses(InvalidRequest, ReplayUnavailable),
)
async def replay(
    asked: ReplayRequest, request: Request, replayer: Annotated[Replayer, Depends(get_replayer)]
) -> Response:
    """Answer what was recommended then: by the ratings, the catalogue and the model of that answer."""
    identified = decode(asked.recommendation_id, "/recommendation_id")
    explained = None if asked.explain is None else EXPLAINED * asked.explain
    answer = await replayer.replay(ReplayTask(identified, asked.ratings, asked.user_id, explained))
    request.app.state.metrics.count_replay(identical=answer["identical"])
    return json_response(answer)
