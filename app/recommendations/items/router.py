"""Lists of items over HTTP: popular items, new items, items similar to another."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response

from app.kit.errors import InvalidRequest, ItemNotFound
from app.recommendations.items import service
from app.recommendations.items.schemas import NewItems, PopularItems, SimilarItems
from app.recommendations.request.options import Options
from app.recommendations.state.popularity_cache import HalfLife
from app.recommendations.users.response import json_response
from app.recommendations.users.router import ServingDep, get_options, query_parameters
from app.web.paths import PathItemId
from app.web.problem import problem_responses

router = APIRouter(prefix="/v1/items", tags=["recommendations"])
OptionsDep = Annotated[Options, Depends(get_options)]


@router.get(
    "/popular",
    summary="List popular items",
    response_model=PopularItems,
    responses=problem_responses(InvalidRequest),
    openapi_extra={"parameters": query_parameters()},
)
async def get_popular(
    serving: ServingDep,
    options: OptionsDep,
    half_life_days: Annotated[
        HalfLife, Query(description="Age at which a rating counts half as much as the newest one.", examples=[90])
    ] = HalfLife.YEAR,
) -> Response:
    """List items by the mean of their ratings, recent ones counting more and few ratings counting little."""
    return json_response(await service.popular_items(serving, half_life_days, options))


@router.get(
    "/new",
    summary="List new items",
    response_model=NewItems,
    responses=problem_responses(InvalidRequest),
    openapi_extra={"parameters": query_parameters()},
)
async def get_new(serving: ServingDep, options: OptionsDep) -> Response:
    """List items, the newest first."""
    return json_response(await service.new_items(serving, options))


@router.get(
    "/{item_id}/similar",
    summary="List items like an item",
    response_model=SimilarItems,
    responses=problem_responses(ItemNotFound, InvalidRequest),
    openapi_extra={"parameters": query_parameters()},
)
async def get_similar(item_id: PathItemId, serving: ServingDep, options: OptionsDep) -> Response:
    """List the items that are most like an item, by the model and by their attributes together."""
    return json_response(await service.similar_items(serving, item_id, options))
