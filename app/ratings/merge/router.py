"""Merging over HTTP."""

from collections.abc import Sequence
from typing import Any

import orjson
from fastapi import APIRouter, Response

from app.keep_out.service import KeepOut
from app.kit.errors import FieldProblem, InvalidRequest, KeptOut
from app.kit.times import now_us
from app.ratings.conflict import RatingRow
from app.ratings.merge.schemas import MergeOut, MergeRequest
from app.ratings.merge.service import merge_users, read_posted
from app.ratings.router import JSON, WriterDep, answer
from app.ratings.scale import Scale
from app.web.bounded import BoundedRoute
from app.web.bulk import no_valid_row
from app.web.deps import DatabaseDep, SettingsDep
from app.web.paths import PathUserId
from app.web.problem import problem_responses

router = APIRouter(route_class=BoundedRoute, tags=["ratings"])


@router.post(
    "/v1/users/{user_id}/merge",
    summary="Turn a guest's ratings into a user's",
    response_model=MergeOut,
    responses=problem_responses(InvalidRequest, KeptOut),
)
async def merge(
    user_id: PathUserId, request: MergeRequest, settings: SettingsDep, database: DatabaseDep, writer: WriterDep
) -> Response:
    """Add ratings in the request, or move a stored user's; the later rating of an item wins, twice changes nothing."""
    if request.from_user_id is None:
        return await merge_posted(user_id, request.ratings or [], Scale.of(settings), writer)
    if request.from_user_id == user_id:
        wrong = FieldProblem("/from_user_id", "is the same user: name another")
        raise InvalidRequest("A user cannot be merged into themselves.", [wrong])
    keep_out = KeepOut.of(settings)
    merged = await merge_users(database, user_id, request.from_user_id, keep_out)
    body = {"user_id": user_id, "from_user_id": request.from_user_id, "moved": merged.num_moved}
    return respond(body | answer(merged.rows, merged.written))


async def merge_posted(user_id: str, posted: Sequence[Any], scale: Scale, writer: WriterDep) -> Response:
    """Store a guest's ratings as a user's."""
    parsed = await read_posted(user_id, posted, scale, now_us())
    rows = [row for row in parsed if isinstance(row, RatingRow)]
    if not rows:
        raise no_valid_row(parsed)
    body = {"user_id": user_id, "from_user_id": None, "moved": 0}
    return respond(body | answer(parsed, await writer.submit(rows)))


def respond(body: dict[str, Any]) -> Response:
    """Write an answer."""
    return Response(orjson.dumps(body), media_type=JSON)
