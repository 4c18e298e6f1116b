"""Model versions over HTTP."""

import asyncio
from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Query

from app.cursors import decode_cursor, encode_cursor
from app.deps import DatabaseDep, SettingsDep
from app.errors import InvalidCursor, VersionNotFound, VersionUnusable
from app.problem import problem_responses
from app.registry import service, store
from app.registry.schemas import Version, VersionList
from app.settings import MAX_LIST
from app.times import from_us, to_us

router = APIRouter(prefix="/v1/models", tags=["models"])
ROUTE = "models"  # names this list's cursors


@router.get("", summary="List versions", response_model=VersionList, responses=problem_responses(InvalidCursor))
async def get_versions(
    database: DatabaseDep,
    limit: Annotated[int, Query(ge=1, le=MAX_LIST, description="Versions of a page.")] = 20,
    cursor: Annotated[str | None, Query(description="`next_cursor` of the page before.")] = None,
) -> VersionList:
    """List the model versions, newest first, refused and removed ones too."""
    position = decode_cursor(ROUTE, cursor)
    before = None if position is None else from_us(position)
    listing = await database.read(service.list_versions, before, limit + 1)
    more = len(listing.rows) > limit
    following = encode_cursor(ROUTE, to_us(listing.rows[limit - 1].created_at)) if more else None
    return VersionList(versions=Version.all_of(listing)[:limit], next_cursor=following)


@router.get(
    "/{version}", summary="Show a version", response_model=Version, responses=problem_responses(VersionNotFound)
)
async def get_version(version: str, database: DatabaseDep) -> Version:
    """Show a model version."""
    return Version.all_of(await database.read(service.show_version, version))[0]


@router.post(
    "/{version}/activate",
    summary="Activate a version",
    response_model=Version,
    responses=problem_responses(VersionNotFound, VersionUnusable),
)
async def activate_version(version: str, database: DatabaseDep, settings: SettingsDep) -> Version:
    """Make a version live, e.g. to roll back. Its files are checked first; every server loads it within seconds."""
    await database.read(service.get_usable, version)
    await asyncio.to_thread(store.verify, settings.model_store, version)
    return Version.all_of(await database.write(service.activate, version, "manual", datetime.now(UTC)))[0]
