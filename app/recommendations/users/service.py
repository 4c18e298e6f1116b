"""Pages of one list: each is what is left of the list as it was when its first page was asked for.

The list is made again for every page, from what the cursor names: that model version, the user's ratings as of that
revision, the items there were then. What was shown is left out, so whatever becomes of the catalogue in between, no
item comes twice and none is passed over; what may not be shown any more is gone.
"""

from dataclasses import fields, replace
from typing import Any

import numpy as np
import structlog
from sqlalchemy.orm import Session

from app.kit.errors import CursorExpired, DatabaseUnavailable, SchemaOutdated
from app.ratings.repository import ratings_at
from app.recommendations.catalogue.index import Catalogue
from app.recommendations.ranking.pipeline import UserProfile
from app.recommendations.ranking.ranked import Ranking, RankingInputs, ranked
from app.recommendations.ranking.ranked_items import RankedItems
from app.recommendations.ranking.rotation import NOTHING_SHOWN, RecentImpressions
from app.recommendations.request.options import Options
from app.recommendations.state.loaded_model import LoadedModel
from app.recommendations.state.loader import read_model
from app.recommendations.state.repository import HotRow
from app.recommendations.state.serving import Serving
from app.recommendations.tokens.naming import page_id
from app.recommendations.tokens.page_cursor import (
    MAX_SHOWN,
    NOTHING,
    ONE_MORE_THAN_PLAIN,
    PLAIN_OPTIONS,
    PageCursor,
    decode,
    list_of,
)
from app.recommendations.tokens.recommendation_id import ListType
from app.recommendations.users import profile
from app.recommendations.users.profile import AnswerModel
from app.recommendations.users.schemas import GuestRequest
from app.registry import repository as registry
from app.settings import Settings

log = structlog.get_logger()
LISTS = [one.name for one in fields(RankedItems)]


async def for_user(serving: Serving, user_id: str, options: Options, cursor: str | None = None) -> dict[str, Any]:
    """Recommend to a user: by his ratings as of now, or the page that a cursor names.

    Raises:
        InvalidCursor: if the cursor is not one of this user's and these options.
        CursorExpired: if what it names is gone.
    """
    row = await profile.read_user(serving, user_id)
    of, live = list_of(user_id.encode(), options), serving.live_for(user_id)
    if cursor is None:
        (lately,) = await profile.shown_lately(serving, [row.number], options)
        mark = start(serving, live, row.revision, lately)
    else:
        mark = decode(cursor, "cursor").of(of)
        row, live = await row_at(serving, row, mark.revision), await model_of(serving, mark.version)
    taste = profile.profile_of(serving.catalogue, user_id, row, mark.lately)
    using = AnswerModel(live, experiment=serving.experiment_of(user_id, live))
    answer = await page(serving, taste, options, of, mark, using)
    return {"user_id": user_id, "revision": row.revision, **answer}


async def for_guest(serving: Serving, settings: Settings, guest: GuestRequest) -> dict[str, Any]:
    """Recommend by posted ratings, or the page that a cursor names; store nothing.

    Raises:
        InvalidRequest: naming each rating that is wrong.
        InvalidCursor: if the cursor is not one of these ratings and options.
        CursorExpired: if what it names is gone.
    """
    cursor = None if guest.cursor is None else decode(guest.cursor, "/cursor")
    oldest = cursor.mark.num_slots if cursor else None
    unknown_items, taste = await profile.profile_of_guest(serving, settings, guest.ratings, oldest)
    options, live = guest.options(), serving.live
    of = list_of(taste.slots.tobytes() + taste.values.tobytes(), options)
    if cursor is None:
        mark = start(serving, live, None)
    else:
        mark = cursor.of(of)
        live = await model_of(serving, mark.version)
    answer = await page(serving, taste, options, of, mark, AnswerModel(live), ListType.GUEST)
    return {"user_id": None, "revision": None, **answer, "unknown_items": unknown_items}


def start(
    serving: Serving, live: LoadedModel | None, revision: int | None, lately: RecentImpressions = NOTHING_SHOWN
) -> PageCursor:
    """Return the bookmark before the first page of a list made now."""
    return PageCursor(live.version if live else None, revision, len(serving.catalogue), lately=lately)


async def page(
    serving: Serving,
    taste: UserProfile,
    options: Options,
    of: bytes,
    mark: PageCursor,
    using: AnswerModel,
    kind: ListType = ListType.USER,
) -> dict[str, Any]:
    """Answer with the first items behind a bookmark in the list ``of``, and the cursor of those that follow."""
    ranking, more = await rest(serving, taste, options, mark, using)
    made_of = taste, options, kind, mark, using.experiment
    recommendation_id = page_id(serving.catalogue, ranking, *made_of)
    answer = await profile.written(serving, serving.catalogue, ranking, taste, options)
    goes_on = more and len(mark.shown) + options.limit <= MAX_SHOWN
    next_cursor = mark.encode(of, ranking.chosen.slots) if goes_on else None
    return {"recommendation_id": recommendation_id, **answer, "next_cursor": next_cursor}


async def rest(
    serving: Serving, taste: UserProfile, options: Options, mark: PageCursor, using: AnswerModel
) -> tuple[Ranking, bool]:
    """Choose the next items of a list, and tell whether more follow."""
    ground = await profile.ground_of(serving, taste, options, using)
    return behind(mark, serving.catalogue, ground, taste, options)


def behind(
    mark: PageCursor, catalogue: Catalogue, ground: RankingInputs, taste: UserProfile, options: Options
) -> tuple[Ranking, bool]:
    """Choose the items behind a bookmark, and tell whether more follow."""
    most = len(mark.shown) + options.limit + 1
    first = mark.shown is NOTHING and options is PLAIN_OPTIONS
    wanted = ONE_MORE_THAN_PLAIN if first else replace(options, limit=most)
    while True:
        ranking = ranked(catalogue, ground, taste, wanted)
        found = len(ranking.chosen.slots)
        num_left = keep_left(ranking.chosen, mark, options.limit)
        if num_left > options.limit or found < most:
            return ranking, num_left > options.limit
        most *= 2  # items that are newer than the list stand between
        wanted = replace(options, limit=most)


def keep_left(chosen: RankedItems, mark: PageCursor, limit: int) -> int:
    """Keep the first items that belong to a list and were not shown yet; tell how many there were."""
    slots = chosen.slots
    if not len(mark.shown) and max(slots, default=-1) < mark.num_slots:
        num_left = len(slots)
        for name in LISTS:
            del getattr(chosen, name)[limit:]
        return num_left
    slots_S = np.array(slots, np.int64)
    places = np.flatnonzero((slots_S < mark.num_slots) & ~np.isin(slots_S, mark.shown)).tolist()
    for name in LISTS:
        values = getattr(chosen, name)
        values[:] = [values[place] for place in places[:limit]]
    return len(places)


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
    """Return the model of a version: one that serves, a former one still in memory, or read again from the store.

    Raises:
        CursorExpired: if it is not kept.
    """
    if version is None:
        return None
    if (loaded := serving.find_loaded(version)) is not None:
        return loaded
    return await serving.model_cache.get(version, lambda name: read_former(serving, name))


async def read_former(serving: Serving, version: str) -> LoadedModel:
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
