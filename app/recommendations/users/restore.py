"""What a cursor names, found again: the user's ratings of then, and the model."""

import structlog
from sqlalchemy.orm import Session

from app.kit.errors import CursorExpired, DatabaseUnavailable, SchemaOutdated
from app.ratings.repository import ratings_at
from app.recommendations.state.loaded_model import LoadedModel
from app.recommendations.state.loader import read_model
from app.recommendations.state.repository import HotRow
from app.recommendations.state.serving import Serving
from app.recommendations.tokens.page_cursor import PageCursor
from app.registry import repository as registry

log = structlog.get_logger()


def check_holds(serving: Serving, cursor: PageCursor) -> PageCursor:
    """Return a cursor that was made since the database was last restored.

    Raises:
        CursorExpired: if it is older: revisions and items of then may be others now.
    """
    if cursor.restored_at_us != serving.restored_at_us:
        raise CursorExpired("The database was restored from a backup since: start again without `cursor`.")
    return cursor


async def row_at(serving: Serving, row: HotRow, revision: int | None) -> HotRow:
    """Return a user as they were at a revision of theirs.

    Raises:
        CursorExpired: if what was known then is deleted.
    """
    if row.revision == revision:
        return row
    if revision is None:
        return HotRow(row.catalogue_revision, None, (), (), row.number)
    rated = (await serving.database.read(ratings_at, [row.number], revision)).get(row.number)
    if rated is None or row.revision is None:
        raise CursorExpired("The user of this cursor was deleted: start again without `cursor`.")
    return HotRow(row.catalogue_revision, revision, list(rated), list(rated.values()), row.number)


async def model_of(serving: Serving, version: str | None) -> LoadedModel | None:
    """Return the model of a version: one that serves, one still in memory, or read again from the store.

    Raises:
        CursorExpired: if it is not kept.
    """
    if version is None:
        return None
    if (loaded := serving.find_loaded(version)) is not None:
        return loaded
    return await serving.model_cache.get(version, lambda name: read_stored(serving, name))


async def read_stored(serving: Serving, version: str) -> LoadedModel:
    """Read a version that served once.

    Raises:
        CursorExpired: if it is not kept, or cannot be read any more.
    """
    gone = CursorExpired(f"Model version {version!r} is not kept any more: start again without `cursor`.")
    if not await serving.database.read(has_served_and_is_kept, version):
        raise gone
    try:
        return await read_model(serving, serving.settings.model_store / version)
    except (DatabaseUnavailable, SchemaOutdated):
        raise
    except Exception as error:  # damaged, or removed while it was read
        log.warning("former_model_unreadable", version=version, error=str(error))
        raise gone from error


def has_served_and_is_kept(session: Session, version: str) -> bool:
    """Return whether a version served once and its files are there."""
    found = registry.find_version(session, version)
    return found is not None and found.removed_at is None and registry.has_served(session, version)
