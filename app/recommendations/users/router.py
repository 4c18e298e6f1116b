"""Recommendations over HTTP. Answers are written as bytes: validating our own output costs more than making it."""

from typing import Annotated, Any, cast

from fastapi import APIRouter, Depends, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError
from starlette.datastructures import QueryParams

from app.kit.errors import CursorExpired, FieldProblem, InvalidCursor, InvalidRequest
from app.recommendations.request.options import PLAIN_OPTIONS, Options
from app.recommendations.request.query import RecommendationQuery
from app.recommendations.request.query_syntax import FORMS, QueryForm
from app.recommendations.state.serving import Serving
from app.recommendations.users import batch, service
from app.recommendations.users.response import json_response
from app.recommendations.users.schemas import (
    BatchRecommendations,
    BatchRequest,
    GuestRecommendations,
    GuestRequest,
    Recommendations,
)
from app.web.bounded import BoundedRoute
from app.web.deps import SettingsDep
from app.web.paths import PathUserId
from app.web.problem import problem_responses

router = APIRouter(route_class=BoundedRoute, prefix="/v1", tags=["recommendations"])
DEFAULTS = PLAIN_OPTIONS
CURSOR = {
    "name": "cursor",
    "in": "query",
    "required": False,
    "schema": {"type": "string"},
    "description": "`next_cursor` of the page before; all else but `limit` as it was there.",
}
SCHEMAS = RecommendationQuery.model_json_schema()["properties"]
LISTS = {name for name, schema in SCHEMAS.items() if schema.get("type") == "array"}


async def get_serving(request: Request) -> Serving:
    """Return what this process answers from, once it is loaded.

    Raises:
        ModelLoading: if that takes long.
    """
    serving = cast("Serving", request.app.state.serving)
    if not serving.loaded.is_set():
        await serving.wait_until_loaded()
    return serving


ServingDep = Annotated[Serving, Depends(get_serving)]


def query_parameters() -> list[dict[str, Any]]:
    """Declare the fields of `RecommendationQuery` for OpenAPI; an object of a body is short text in a query."""
    declared = SCHEMAS | {name: short_schema(SCHEMAS[name], form) for name, form in FORMS.items()}
    return [{"name": name, "in": "query", "required": False, "schema": schema} for name, schema in declared.items()]


def short_schema(schema: dict[str, Any], form: QueryForm) -> dict[str, Any]:
    """Describe a list of short texts."""
    said = {"items": {"type": "string"}, "description": f"{schema['description']} {form.how}"}
    return {**schema, **said, "examples": [[form.example]]}


async def get_options(request: Request) -> Options:
    """Read the parameters here, because FastAPI's own reading costs a good part of what an answer does.

    Raises:
        RequestValidationError: naming the parameters that are wrong.
    """
    return read_options(request.query_params) if request.scope["query_string"] else DEFAULTS


def read_options(given: QueryParams) -> Options:
    """Read what is asked for.

    Raises:
        InvalidRequest, RequestValidationError: naming the parameters that are wrong.
    """
    said = {name: read(name, given) for name in RecommendationQuery.model_fields if name in given}
    try:
        return RecommendationQuery.model_validate(said).options()
    except ValidationError as error:
        raise RequestValidationError([{**e, "loc": ("query", *e["loc"])} for e in error.errors()]) from error


def read(name: str, given: QueryParams) -> Any:
    """Read one parameter as the body's field of this name.

    Raises:
        InvalidRequest: if a short text cannot be read.
    """
    if name not in LISTS:
        return given[name]
    texts = given.getlist(name)
    if name not in FORMS:
        return texts
    try:
        return [FORMS[name].read(text) for text in texts]
    except ValueError as error:
        raise InvalidRequest(f"{name}: {error}", [FieldProblem(name, str(error))]) from None


@router.get(
    "/users/{user_id}/recommendations",
    summary="Recommend to a user",
    response_model=Recommendations,
    responses=problem_responses(InvalidRequest, InvalidCursor, CursorExpired),
    openapi_extra={"parameters": [*query_parameters(), CURSOR]},
)
async def recommend_for_user(
    user_id: PathUserId, request: Request, serving: ServingDep, options: Annotated[Options, Depends(get_options)]
) -> Response:
    """Recommend items to a user, going by their ratings as of now; the pages after the first are of the same list."""
    cursor = request.query_params.get("cursor") if request.scope["query_string"] else None
    return json_response(await service.recommend_to_user(serving, user_id, options, cursor))


@router.post(
    "/recommendations",
    summary="Recommend to a guest",
    response_model=GuestRecommendations,
    responses=problem_responses(InvalidRequest, InvalidCursor, CursorExpired),
)
async def recommend_for_guest(guest: GuestRequest, serving: ServingDep, settings: SettingsDep) -> Response:
    """Recommend items to a guest by the ratings in the request. Nothing is stored."""
    return json_response(await service.recommend_to_guest(serving, settings, guest))


@router.post(
    "/recommendations/batch",
    summary="Recommend to many users",
    response_model=BatchRecommendations,
    responses=problem_responses(InvalidRequest),
)
async def recommend_for_users(asked: BatchRequest, serving: ServingDep) -> Response:
    """Recommend items to up to 1,000 users, to each what they would get alone: one read, few passes over the model."""
    return json_response(await batch.recommend_to_users(serving, asked.users, asked.options()))
