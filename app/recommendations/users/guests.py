"""The profile of a guest, who is not stored: from the ratings they post."""

from collections.abc import Mapping, Sequence
from operator import itemgetter
from zlib import crc32

from app.kit.errors import InvalidRequest
from app.kit.times import now_us
from app.kit.validation import MAX_FIELDS
from app.ratings.parse import check_value
from app.ratings.scale import Scale
from app.recommendations.catalogue.index import Catalogue
from app.recommendations.ranking.profile import UserProfile
from app.recommendations.request.enums import Reason
from app.recommendations.state.serving import Serving
from app.recommendations.users.schemas import GuestRating
from app.settings import Settings


async def profile_of_guest(
    serving: Serving, settings: Settings, ratings: Sequence[GuestRating], num_slots: int | None = None
) -> tuple[int, UserProfile]:
    """Check posted ratings; return how many are of items not among the ``num_slots`` oldest, and the profile."""
    latest = latest_values(ratings, Scale.of(settings), now_us())
    await serving.refresh_catalogue()
    profile = profile_from(serving.catalogue, latest, len(serving.catalogue) if num_slots is None else num_slots)
    return len(latest) - len(profile.slots), profile


def profile_from(catalogue: Catalogue, latest: Mapping[str, float], num_slots: int) -> UserProfile:
    """Return what a guest's ratings say of the ``num_slots`` oldest items."""
    slot_of = catalogue.slot_of_external_id
    slots = {slot: value for item_id, value in latest.items() if (slot := slot_of.get(item_id, num_slots)) < num_slots}
    reason = None if slots else Reason.NO_KNOWN_ITEMS if latest else Reason.NO_RATINGS
    return UserProfile(list(slots), list(slots.values()), reason, seed=crc32(repr(sorted(slots.items())).encode()))


def latest_values(ratings: Sequence[GuestRating], scale: Scale, now: int, field: str = "/ratings") -> dict[str, float]:
    """Check posted ratings and keep one of each item: the latest, of equal times the last in the list.

    A rating without a time counts as of ``now``, in microseconds since 1970.

    Raises:
        InvalidRequest: naming each field that is wrong and what would do.
    """
    rows, problems = [], []
    for index, rating in enumerate(ratings):
        place = f"{field}/{index}"
        value, rated_at_us, wrong = check_value(rating.value, rating.rated_at, scale=scale, now_us=now, place=place)
        problems += wrong
        if value is not None:
            rows.append((now if rated_at_us is None else rated_at_us, rating.item_id, value))
    if problems:
        first = problems[:MAX_FIELDS]
        raise InvalidRequest("; ".join(f"{p['field']}: {p['detail']}" for p in first), first)
    return {item_id: value for _, item_id, value in sorted(rows, key=itemgetter(0))}
