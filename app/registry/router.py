"""Model versions over HTTP."""

import asyncio
from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Header, Query

from app.keys.service import name_of
from app.kit.cursors import decode_cursor, encode_cursor
from app.kit.errors import InvalidCursor, InvalidRequest, UserNotFound, VersionNotFound, VersionRefused, VersionUnusable
from app.kit.times import from_us, to_us
from app.registry import service, store
from app.registry.schemas import Activate, HeldInList, Version, VersionList
from app.registry.service import ActivationRequest
from app.settings import MAX_LIST
from app.web.bounded import BoundedRoute
from app.web.deps import DatabaseDep, SettingsDep
from app.web.paths import PathUserId
from app.web.problem import problem_responses

router = APIRouter(route_class=BoundedRoute, tags=["models"])
ROUTE = "models"  # names this list's cursors


@router.get("/v1/models", summary="List versions", responses=problem_responses(InvalidCursor))
async def get_versions(
    database: DatabaseDep,
    limit: Annotated[int, Query(ge=1, le=MAX_LIST, description="Versions per page.")] = 20,
    cursor: Annotated[str | None, Query(description="`next_cursor` of the previous page.")] = None,
) -> VersionList:
    """List the model versions, newest first, refused and removed ones too."""
    position = decode_cursor(ROUTE, cursor)
    before = None if position is None else from_us(position)
    listing = await database.read(service.list_versions, before, limit + 1)
    more = len(listing.rows) > limit
    following = encode_cursor(ROUTE, to_us(listing.rows[limit - 1].created_at)) if more else None
    return VersionList(versions=Version.all_of(listing)[:limit], next_cursor=following)


@router.get("/v1/models/{version}", summary="Show a version", responses=problem_responses(VersionNotFound))
async def get_version(version: str, database: DatabaseDep) -> Version:
    """Show a model version: its metrics, the gate's verdict, its users and ratings, and its activations."""
    return Version.all_of(await database.read(service.show_version, version))[0]


@router.post(
    "/v1/models/{version}/activate",
    summary="Activate a version",
    responses=problem_responses(InvalidRequest, VersionNotFound, VersionUnusable, VersionRefused),
)
async def activate_version(
    version: str,
    database: DatabaseDep,
    settings: SettingsDep,
    asked: Activate | None = None,
    x_api_key: Annotated[str | None, Header(include_in_schema=False)] = None,
) -> Version:
    """Make a version live, e.g. to roll back. Its files are checked first; every server loads it within seconds.

    A version that the gate refused has to be forced, unless it was live before.
    """
    asked = asked or Activate()
    await database.read(service.check_allowed, version, force=asked.force)
    await asyncio.to_thread(store.verify, settings.model_store, version)
    actor = await database.read(name_of, x_api_key)
    request = ActivationRequest(actor=actor, reason=asked.reason, force=asked.force)
    return Version.all_of(await database.write(service.activate, version, request, datetime.now(UTC)))[0]


@router.get(
    "/v1/users/{user_id}/models",
    summary="List the models that hold a user's ratings",
    responses=problem_responses(UserNotFound),
)
async def get_models_of_user(user_id: PathUserId, database: DatabaseDep, settings: SettingsDep) -> HeldInList:
    """List the kept versions that were trained, validated or judged with a user's ratings, newest first."""
    number, listing = await database.read(service.versions_of_user, user_id)
    versions = [row.version for row in listing.rows]
    roles = await asyncio.to_thread(store.roles_of, settings.model_store, versions, number)
    return HeldInList.of(user_id, listing, roles)
