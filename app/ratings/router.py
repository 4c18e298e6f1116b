"""Ratings and users over HTTP."""

from collections import Counter
from collections.abc import Sequence
from typing import Annotated, Any, cast

import orjson
from fastapi import APIRouter, Depends, Query, Request, Response

from app.catalogue.schemas import ItemRemoved
from app.keep_out.service import KeepOut, Kind, field_problem
from app.kit.cursors import decode_cursor, encode_cursor
from app.kit.errors import (
    InvalidCursor,
    InvalidRequest,
    ItemNotFound,
    KeptOut,
    RatingNotFound,
    UserNotFound,
)
from app.kit.times import from_us, now_us
from app.ratings import service
from app.ratings.conflict import Outcome, RatingRow
from app.ratings.parse import read_ratings, single_row
from app.ratings.removal import remove_item
from app.ratings.scale import Scale
from app.ratings.schemas import RatingChanged, RatingIn, RatingList, RatingRemoved, RatingsWritten, RatingValue, UserOut
from app.ratings.service import RatingWriter, Written
from app.settings import MAX_LIST
from app.web.bounded import BoundedRoute
from app.web.bulk import Refused, no_valid_row
from app.web.deps import DatabaseDep, SettingsDep
from app.web.paths import PathItemId, PathUserId
from app.web.problem import problem_responses

router = APIRouter(route_class=BoundedRoute, tags=["ratings"])

LATER = "A later rating of this item by this user counts again; one that is dated before the removal is stale."
ROUTE = "ratings"  # names this list's cursors
JSON = "application/json"
EXAMPLES = {
    "one": {"value": {"user_id": "ada", "item_id": "blade-runner-1982", "value": 5}},
    "many": {
        "value": [
            {"user_id": "ada", "item_id": "alien-1979", "value": 4.5, "rated_at": "2026-11-23T10:15:00Z"},
            {"user_id": "ada", "item_id": "clueless-1995", "value": 2},
        ]
    },
}
SCHEMA = RatingIn.model_json_schema()
BODY = {
    "required": True,
    "content": {
        JSON: {
            "schema": {"oneOf": [SCHEMA, {"type": "array", "items": SCHEMA, "minItems": 1, "maxItems": MAX_LIST}]},
            "examples": EXAMPLES,
        }
    },
}


def get_writer(request: Request) -> RatingWriter:
    """Return the process's writer of ratings."""
    return cast("RatingWriter", request.app.state.writer)


WriterDep = Annotated[RatingWriter, Depends(get_writer)]


@router.post(
    "/v1/ratings",
    summary="Store ratings",
    response_model=RatingsWritten,
    responses=problem_responses(InvalidRequest),
    openapi_extra={"requestBody": BODY},
)
async def post_ratings(request: Request) -> Response:
    """Store one rating, or up to 1,000: good rows are stored though others are refused; posting twice is harmless."""
    state = request.app.state
    parsed = read_ratings(await request.body(), Scale.of(state.settings), now_us())
    rows = [row for row in parsed if isinstance(row, RatingRow)]
    if not rows:
        raise no_valid_row(parsed)
    written = await state.writer.submit(rows)
    return Response(orjson.dumps(answer(parsed, written)), media_type=JSON)


def answer(parsed: Sequence[RatingRow | Refused], written: Written) -> dict[str, Any]:
    """Write the result of every row, in the order posted.

    Raises:
        InvalidRequest: if every row is refused.
    """
    outcomes = iter(written.outcomes)
    rows = [
        row if isinstance(row, Refused) else refuse_kept_out(index, row, next(outcomes))
        for index, row in enumerate(parsed)
    ]
    if rows and all(isinstance(row, Refused) for row in rows):
        raise no_valid_row(rows)
    results = [
        refusal(index, row) if isinstance(row, Refused) else result(index, *row) for index, row in enumerate(rows)
    ]
    counts = dict.fromkeys(("created", "updated", "unchanged", "stale", "refused"), 0)
    counts |= Counter(row["status"] for row in results)
    return {"revision": written.revision, "counts": counts, "results": results}


def refuse_kept_out(index: int, row: RatingRow, outcome: Outcome) -> tuple[RatingRow, Outcome] | Refused:
    """Return a row with what became of it, or why it was refused after all."""
    if outcome.kept_out is None:
        return row, outcome
    return Refused(row._asdict(), [field_problem(outcome.kept_out, f"/{index}/{outcome.kept_out}")])


def result(index: int, row: RatingRow, outcome: Outcome) -> dict[str, Any]:
    """Describe what became of a valid row."""
    body = {"index": index, "user_id": row.user_id, "item_id": row.item_id, "status": str(outcome.status)}
    return body if outcome.revision is None else body | {"revision": outcome.revision}


def refusal(index: int, row: Refused) -> dict[str, Any]:
    """Describe why a row was refused."""
    body = {"index": index, "user_id": row.value_of("user_id"), "item_id": row.value_of("item_id")}
    return body | {"status": "refused", "errors": row.errors}


@router.put(
    "/v1/users/{user_id}/ratings/{item_id}",
    summary="Set one rating",
    response_model=RatingChanged,
    responses=problem_responses(InvalidRequest, KeptOut),
)
async def put_rating(
    user_id: PathUserId, item_id: PathItemId, rating: RatingValue, settings: SettingsDep, writer: WriterDep
) -> RatingChanged:
    """Set what a user thinks of an item; the latest `rated_at` wins."""
    row = single_row(user_id, item_id, rating, scale=Scale.of(settings), now_us=now_us())
    written = await writer.submit([row])
    if field := written.outcomes[0].kept_out:
        raise KeptOut(fields=[field_problem(field, f"/{field}")])
    return rating_changed(user_id, item_id, written)


def rating_changed(user_id: str, item_id: str, written: Written) -> RatingChanged:
    """Describe what became of one rating."""
    status: Any = str(written.outcomes[0].status)
    return RatingChanged(user_id=user_id, item_id=item_id, status=status, revision=written.revision)


@router.delete(
    "/v1/users/{user_id}/ratings/{item_id}", summary="Remove one rating", responses=problem_responses(RatingNotFound)
)
async def delete_rating(user_id: PathUserId, item_id: PathItemId, writer: WriterDep) -> RatingRemoved:
    """Remove a rating; an older one that is posted again stays removed."""
    written = await writer.remove(user_id, item_id)
    return RatingRemoved(**rating_changed(user_id, item_id, written).model_dump(), later=LATER)


@router.get(
    "/v1/users/{user_id}/ratings",
    summary="List a user's ratings",
    response_model=RatingList,
    responses=problem_responses(UserNotFound, InvalidCursor),
)
async def get_ratings(
    user_id: PathUserId,
    database: DatabaseDep,
    limit: Annotated[int, Query(ge=1, le=MAX_LIST, description="Ratings of a page.")] = 100,
    cursor: Annotated[str | None, Query(description="`next_cursor` of the page before.")] = None,
) -> Response:
    """List what a user rated, newest change first; a rating that changes while you page is not shown twice."""
    page = await database.read(service.list_ratings, user_id, limit, decode_cursor(ROUTE, cursor))
    ratings = [
        {"item_id": item_id, "title": title, "value": value, "rated_at": from_us(rated_at_us), "revision": revision}
        for item_id, title, value, rated_at_us, revision in page.ratings
    ]
    following = encode_cursor(ROUTE, ratings[-1]["revision"]) if page.more else None
    body = {"user_id": user_id, "revision": page.revision, "ratings": ratings, "next_cursor": following}
    return Response(orjson.dumps(body, option=orjson.OPT_UTC_Z), media_type=JSON)


@router.get("/v1/users/{user_id}", summary="Show a user", responses=problem_responses(UserNotFound))
async def get_user(user_id: PathUserId, database: DatabaseDep) -> UserOut:
    """Show what is known about a user."""
    user = await database.read(service.get_user, user_id)
    return UserOut(
        user_id=user.external_id, num_ratings=user.num_ratings, revision=user.revision, created_at=user.created_at
    )


@router.delete(
    "/v1/items/{item_id}", tags=["items"], summary="Remove an item", responses=problem_responses(ItemNotFound)
)
async def delete_item(item_id: PathItemId, database: DatabaseDep, settings: SettingsDep) -> ItemRemoved:
    """Remove an item and every rating of it; `later` says what a PUT or rating of it does from then on."""
    keep_out = KeepOut.of(settings)
    removed = await remove_item(database, item_id, now_us(), keep_out)
    return ItemRemoved(
        item_id=item_id,
        num_ratings_removed=removed.num_ratings,
        revision=removed.revision,
        later=keep_out.later(Kind.ITEM),
    )
