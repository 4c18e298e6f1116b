"""From a request to an answer: reads what it needs, folds in, chooses, writes out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any
from zlib import crc32

from app.kit.errors import InvalidRequest
from app.kit.times import now_us
from app.kit.validation import MAX_FIELDS
from app.ratings.parse import checked
from app.ratings.scale import Scale
from app.recommendations.catalogue.index import Catalogue
from app.recommendations.ranking import pipeline
from app.recommendations.ranking.pipeline import SENTENCES, Reason, UserProfile
from app.recommendations.ranking.ranked import Ranking, RankingInputs, ranked
from app.recommendations.ranking.rotation import HOUR_US, NOTHING_SHOWN, RecentImpressions
from app.recommendations.request.options import Options
from app.recommendations.state import cold_start_updater, repository
from app.recommendations.state.loaded_model import LoadedModel
from app.recommendations.state.repository import HotRow
from app.recommendations.state.serving import Serving
from app.recommendations.tokens.page_cursor import PLAIN_OPTIONS
from app.recommendations.users import explained
from app.recommendations.users import repository as users_repository
from app.recommendations.users.schemas import GuestRating
from app.settings import Settings
from models.core.interactions import Values
from models.core.model import FoldIn


async def profile_of_user(
    serving: Serving, user_id: str, options: Options = PLAIN_OPTIONS
) -> tuple[int | None, UserProfile]:
    """Read a user's ratings as of now, with the revision of the latest change; None if nobody has heard of him."""
    row = await read_user(serving, user_id)
    (lately,) = await shown_lately(serving, [row.number], options)
    return row.revision, profile_of(serving.catalogue, user_id, row, lately)


async def shown_lately(serving: Serving, numbers: Sequence[int], options: Options) -> list[RecentImpressions]:
    """Read what users were shown lately, if that is to sink; 0 is nobody's number."""
    if not options.rotation or not (known := {number for number in numbers if number}):
        return [NOTHING_SHOWN] * len(numbers)
    now, hours = now_us(), options.rotation_hours
    shown = await serving.database.read(users_repository.recent_impressions, sorted(known), now - int(hours * HOUR_US))
    return [RecentImpressions.of(serving.catalogue, shown.get(number, ()), now, hours) for number in numbers]


async def read_user(serving: Serving, user_id: str) -> HotRow:
    """Read a user as of now, and what changed in the catalogue."""
    row = await repository.read_user(serving.database, user_id)
    if row.catalogue_revision > serving.catalogue.revision:
        await serving.refresh_catalogue(row.catalogue_revision)
    return row


def profile_of(
    catalogue: Catalogue, user_id: str, row: HotRow, lately: RecentImpressions = NOTHING_SHOWN
) -> UserProfile:
    """Return what a user's row says, or why it says nothing. The catalogue is not older than the row."""
    reason = None if row.item_ids else Reason.UNKNOWN_USER if row.revision is None else Reason.NO_RATINGS
    seed = crc32(user_id.encode()) if row.revision is None else row.revision  # no two users have the same revision
    slots = list(map(catalogue.slot_of_id.__getitem__, row.item_ids))
    return UserProfile.of(slots, row.values, reason, seed, row.number, lately)


async def profile_of_guest(
    serving: Serving, settings: Settings, ratings: Sequence[GuestRating], num_slots: int | None = None
) -> tuple[int, UserProfile]:
    """Check posted ratings, and count those of items that are not in the catalogue, or not among its oldest."""
    latest = latest_values(ratings, Scale.of(settings), now_us())
    await serving.refresh_catalogue()
    taste = profile_from_ratings(serving.catalogue, latest, len(serving.catalogue) if num_slots is None else num_slots)
    return len(latest) - len(taste.slots), taste


def profile_from_ratings(catalogue: Catalogue, latest: Mapping[str, float], num_slots: int) -> UserProfile:
    """Return what a guest's ratings say of the ``num_slots`` oldest items."""
    slot_of = catalogue.slot_of_external_id
    slots = {slot: value for item_id, value in latest.items() if (slot := slot_of.get(item_id, num_slots)) < num_slots}
    reason = None if slots else Reason.NO_KNOWN_ITEMS if latest else Reason.NO_RATINGS
    seed = crc32(repr(sorted(slots.items())).encode())
    return UserProfile.of(list(slots), list(slots.values()), reason, seed)


def latest_values(ratings: Sequence[GuestRating], scale: Scale, now: int, field: str = "/ratings") -> dict[str, float]:
    """Check posted ratings and keep one of each item: the latest, of equal times the last in the list.

    A rating without a time counts as of ``now``, in microseconds since 1970.

    Raises:
        InvalidRequest: naming each field that is wrong and what would do.
    """
    rows, problems = [], []
    for index, rating in enumerate(ratings):
        value, rated_at_us, wrong = checked(rating.value, rating.rated_at, scale, now, f"{field}/{index}")
        problems += wrong
        if value is not None:
            rows.append((now if rated_at_us is None else rated_at_us, rating.item_id, value))
    if problems:
        first = problems[:MAX_FIELDS]
        raise InvalidRequest("; ".join(f"{p['field']}: {p['detail']}" for p in first), first)
    return {item_id: value for _, item_id, value in sorted(rows, key=itemgetter(0))}


@dataclass(frozen=True)
class AnswerModel:
    """What to answer with: a model or none, and the user as it has folded him in, if it has already.

    ``experiment`` is the number of the one that the answer belongs to; 0: none.
    """

    live: LoadedModel | None
    fold: FoldIn | None = None
    experiment: int = 0


async def recommend(
    serving: Serving, taste: UserProfile, options: Options, using: AnswerModel | None = None
) -> dict[str, Any]:
    """Answer with the first ``options.limit`` items."""
    ranking = await rank(serving, taste, options, using)
    return await written(serving, serving.catalogue, ranking, taste, options)


async def rank(serving: Serving, taste: UserProfile, options: Options, using: AnswerModel | None = None) -> Ranking:
    """Order the first ``options.limit`` items: personal ones if there is something to go by, else popular and new."""
    return ranked(serving.catalogue, await ground_of(serving, taste, options, using), taste, options)


async def ground_of(
    serving: Serving, taste: UserProfile, options: Options, using: AnswerModel | None = None
) -> RankingInputs:
    """Get together what an answer is made from; to be used before anything can change the catalogue."""
    live, fold = (using.live, using.fold) if using else (serving.live, None)
    if live is None:
        return RankingInputs(None, None, await serving.popularity(), None)
    if fold is None and taste.reason is None:
        live.fit_to(serving.catalogue)
        columns, values = pipeline.known_columns(live, taste)
        fold = await serving.fold_in(live, columns, values) if len(columns) else None
    vectors = await vectors_for(serving, live, options)
    if fold is not None and live.cold_revision != serving.catalogue.revision:
        live.fit_to(serving.catalogue)
        await serving.cold_start_updater.update(live, cold_start_updater.PATIENCE_S)
    return RankingInputs(live, fold, None, vectors)


async def vectors_for(serving: Serving, live: LoadedModel | None, options: Options) -> Values | None:
    """Return the model's item vectors, if diversity is asked for."""
    return None if live is None or not options.diversity else await serving.item_vectors.of(live.model)


async def written(
    serving: Serving, catalogue: Catalogue, ranking: Ranking, taste: UserProfile, options: Options
) -> dict[str, Any]:
    """Write an answer out, with its reasons if they are asked for."""
    reason, items = ranking.reason, pipeline.items_of(catalogue, ranking.chosen, taste)
    live, fold = ranking.ground.live, ranking.ground.fold
    if options.explain_ratings:
        await explained.explain_items(serving, catalogue, live, fold, items, options.explain_ratings)
    return {
        "model_version": live.version if live else None,
        "personalised": reason is None,
        "reason": reason,
        "reason_detail": SENTENCES[reason] if reason else None,
        "items": items,
    }


EMPTY_PROFILE = UserProfile.of([], [])
