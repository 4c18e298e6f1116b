"""Lists for a user or a guest: reads who they are, gathers what a list is made from, and has a page ranked and written.

Each page is what is left of the list as it was when its first page was asked for. The list is made again for every
page, from what the cursor names: that model version, the user's ratings as of that revision, the items there were
then. What earlier pages held is left out, so whatever becomes of the catalogue in between, no item comes twice and none
is passed over; what may not be shown any more is gone.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any
from zlib import crc32

from app.kit.times import now_us
from app.recommendations.catalogue.index import Catalogue
from app.recommendations.ranking.pipeline import Ranking, RankingInputs, rank, rank_page
from app.recommendations.ranking.profile import UserProfile
from app.recommendations.ranking.rotation import HOUR_US, NO_IMPRESSIONS, RecentImpressions
from app.recommendations.request.enums import Reason
from app.recommendations.request.options import PLAIN_OPTIONS, Options
from app.recommendations.state import cold_start_updater
from app.recommendations.state import repository as state_repository
from app.recommendations.state.loaded_model import LoadedModel
from app.recommendations.state.repository import HotRow
from app.recommendations.state.serving import Serving
from app.recommendations.tokens import page_cursor
from app.recommendations.tokens.page_cursor import PageCursor
from app.recommendations.tokens.recommendation_id import ListType
from app.recommendations.users import guests, repository, response, restore
from app.recommendations.users.schemas import GuestRequest
from app.settings import Settings
from models.core.interactions import Values
from models.core.model import FoldIn


@dataclass(frozen=True)
class AnswerModel:
    """What to answer with: a model or none, and the user as it has folded them in, if it has already.

    ``experiment`` is the number of the one that the answer belongs to; 0: none.
    """

    live: LoadedModel | None
    fold: FoldIn | None = None
    experiment: int = 0


async def recommend_to_user(
    serving: Serving, user_id: str, options: Options, cursor: str | None = None
) -> dict[str, Any]:
    """Recommend to a user: by their ratings as of now, or the page that a cursor names.

    Raises:
        InvalidCursor: if the cursor is not one of this user's and these options.
        CursorExpired: if what it names is gone.
    """
    row = await read_user(serving, user_id)
    live = serving.live_for(user_id)
    model = AnswerModel(live, experiment=serving.experiment_of(user_id, live))
    owner = list_owner(user_id.encode(), options)
    if cursor is None:
        (impressions,) = await read_impressions(serving, [row.number], options)
        start = first_page(serving, live, row.revision, impressions)
    else:
        start = restore.check_holds(serving, page_cursor.decode(cursor, "cursor").of(owner))
        row = await restore.row_at(serving, row, start.revision)
        live = await restore.model_of(serving, start.version)
        model = AnswerModel(live, experiment=serving.experiment_of(user_id, live))
    profile = profile_of(serving.catalogue, user_id, row, start.impressions)
    page = await recommend_page(serving, profile, options, owner=owner, start=start, model=model)
    return {"user_id": user_id, "revision": row.revision, **page}


async def recommend_to_guest(serving: Serving, settings: Settings, guest: GuestRequest) -> dict[str, Any]:
    """Recommend by posted ratings, or the page that a cursor names; store nothing.

    Raises:
        InvalidRequest: naming each rating that is wrong.
        InvalidCursor: if the cursor is not one of these ratings and options.
        CursorExpired: if what it names is gone.
    """
    cursor = None if guest.cursor is None else page_cursor.decode(guest.cursor, "/cursor")
    num_slots = cursor.page.num_slots if cursor else None
    unknown_items, profile = await guests.profile_of_guest(serving, settings, guest.ratings, num_slots)
    options, live = guest.options(), serving.live
    owner = list_owner(profile.slots.tobytes() + profile.values.tobytes(), options)
    if cursor is None:
        start = first_page(serving, live, None)
    else:
        start = restore.check_holds(serving, cursor.of(owner))
        live = await restore.model_of(serving, start.version)
    model = AnswerModel(live)
    page = await recommend_page(
        serving, profile, options, owner=owner, start=start, model=model, list_type=ListType.GUEST
    )
    return {"user_id": None, "revision": None, **page, "unknown_items": unknown_items}


def list_owner(owner: bytes, options: Options) -> bytes:
    """Return what names a list: whose it is, and by which options. Pages may differ in the number of their items."""
    return (PLAIN_TEXT if options is PLAIN_OPTIONS else text_of(options)) + owner + b"\0"


@lru_cache(1024)
def text_of(options: Options) -> bytes:
    """Return all that was asked for but the limit."""
    return repr(replace(options, limit=0)).encode()


PLAIN_TEXT = text_of(PLAIN_OPTIONS)


def first_page(
    serving: Serving,
    live: LoadedModel | None,
    revision: int | None,
    impressions: RecentImpressions = NO_IMPRESSIONS,
) -> PageCursor:
    """Return the place before the first page of a list made now."""
    return PageCursor(
        version=live.version if live else None,
        revision=revision,
        num_slots=len(serving.catalogue),
        impressions=impressions,
        restored_at_us=serving.restored_at_us,
    )


async def recommend_page(
    serving: Serving,
    profile: UserProfile,
    options: Options,
    *,
    owner: bytes,
    start: PageCursor,
    model: AnswerModel,
    list_type: ListType = ListType.USER,
) -> dict[str, Any]:
    """Return the first items behind ``start`` in the list of ``owner``, and the cursor of those that follow."""
    inputs = await gather_inputs(serving, profile, options, model)
    ranking = rank_page(
        serving.catalogue,
        inputs,
        profile,
        options,
        num_slots=start.num_slots,
        previous_items=start.previous_items,
    )
    return await response.write_page(
        serving,
        ranking,
        profile,
        options,
        owner=owner,
        start=start,
        list_type=list_type,
        experiment=model.experiment,
    )


async def rank_now(
    serving: Serving, profile: UserProfile, options: Options, model: AnswerModel, *, limit: int | None = None
) -> Ranking:
    """Rank the first items, ``options.limit`` if no limit is given."""
    inputs = await gather_inputs(serving, profile, options, model)
    return rank(serving.catalogue, inputs, profile, options, limit=options.limit if limit is None else limit)


async def gather_inputs(serving: Serving, profile: UserProfile, options: Options, model: AnswerModel) -> RankingInputs:
    """Gather what a list is made from; to be used before anything can change the catalogue."""
    live, fold = model.live, model.fold
    if live is None:
        return RankingInputs(None, counted=await serving.popularity())
    if fold is None and profile.reason is None:
        columns, values = live.known_ratings(serving.catalogue, profile.slots, profile.values)
        fold = await serving.fold_in(live, columns, values) if len(columns) else None
    vectors = await read_vectors(serving, live) if options.diversity else None
    if fold is not None and live.cold_revision != serving.catalogue.revision:
        live.fit_to(serving.catalogue)
        await serving.cold_start_updater.update(live, cold_start_updater.PATIENCE_S)
    return RankingInputs(live, fold, None, vectors)


async def read_vectors(serving: Serving, live: LoadedModel | None) -> Values | None:
    """Return the model's item vectors: float32 (I, D)."""
    return None if live is None else await serving.item_vectors.of(live.model)


async def read_profile(
    serving: Serving, user_id: str, options: Options = PLAIN_OPTIONS
) -> tuple[int | None, UserProfile]:
    """Read a user's ratings as of now, with the revision of the latest change; None for an unknown user."""
    row = await read_user(serving, user_id)
    (impressions,) = await read_impressions(serving, [row.number], options)
    return row.revision, profile_of(serving.catalogue, user_id, row, impressions)


async def read_user(serving: Serving, user_id: str) -> HotRow:
    """Read a user as of now, and what changed in the catalogue."""
    row = await state_repository.read_user(serving.database, user_id)
    if row.catalogue_revision > serving.catalogue.revision:
        await serving.refresh_catalogue(row.catalogue_revision)
    return row


async def read_impressions(serving: Serving, numbers: Sequence[int], options: Options) -> list[RecentImpressions]:
    """Read what users were shown recently, if that counts against it; no user has the number 0."""
    if not options.rotation or not (known := {number for number in numbers if number}):
        return [NO_IMPRESSIONS] * len(numbers)
    now, hours = now_us(), options.rotation_hours
    shown = await serving.database.read(repository.recent_impressions, sorted(known), now - int(hours * HOUR_US))
    return [RecentImpressions.of(serving.catalogue, shown.get(number, ()), now, hours) for number in numbers]


def profile_of(
    catalogue: Catalogue, user_id: str, row: HotRow, impressions: RecentImpressions = NO_IMPRESSIONS
) -> UserProfile:
    """Return what a user's row says, or why it says nothing. The catalogue is not older than the row."""
    return UserProfile(
        list(map(catalogue.slot_of_id.__getitem__, row.item_ids)),
        row.values,
        None if row.item_ids else Reason.UNKNOWN_USER if row.revision is None else Reason.NO_RATINGS,
        seed=crc32(user_id.encode()) if row.revision is None else row.revision,  # no two users have one revision
        number=row.number,
        impressions=impressions,
    )
