"""What a schema cannot check about a rating: the scale and the date."""

from datetime import datetime

from app.kit.errors import FieldProblem, InvalidRequest
from app.kit.times import EARLIEST_US, to_us
from app.ratings.conflict import RatingRow
from app.ratings.scale import MAX_AHEAD_US, Scale, date_problem
from app.ratings.schemas import RatingIn, RatingValue
from app.web.bulk import BulkReader, Refused, is_object

READER = BulkReader(RatingIn)


def read_ratings(body: bytes, scale: Scale, now_us: int) -> list[RatingRow | Refused]:
    """Read posted ratings: the valid ones to store, the others with what to correct.

    Raises:
        InvalidRequest: if the body is no rating and no list of them.
    """
    posted = READER.read(body)
    places = [""] if is_object(body) else [f"/{index}" for index in range(len(posted))]
    return [
        row if isinstance(row, Refused) else check_rating(row, scale, now_us, place)
        for place, row in zip(places, posted, strict=False)
    ]


def check_rating(rating: RatingIn, scale: Scale, now_us: int, place: str) -> RatingRow | Refused:
    """Return the rating to store, or what is wrong with it."""
    value, rated_at_us, problems = check_value(rating.value, rating.rated_at, scale=scale, now_us=now_us, place=place)
    if problems:
        return Refused({"user_id": rating.user_id, "item_id": rating.item_id}, problems)
    return RatingRow(rating.user_id, rating.item_id, value, rated_at_us)


def check_value(
    value: float, rated_at: datetime | None, *, scale: Scale, now_us: int, place: str
) -> tuple[float | None, int | None, list[FieldProblem]]:
    """Return the value as the scale has it and the date in microseconds, and what is wrong with them."""
    snapped = scale.snap(value)
    problems = [] if snapped is not None else [scale.problem(value, f"{place}/value")]
    rated_at_us = None if rated_at is None else to_us(rated_at)
    if rated_at_us is not None and not EARLIEST_US <= rated_at_us <= now_us + MAX_AHEAD_US:
        problems.append(date_problem(f"{place}/rated_at"))
    return snapped, rated_at_us, problems


def single_row(user_id: str, item_id: str, rating: RatingValue, *, scale: Scale, now_us: int) -> RatingRow:
    """Return the one rating to store.

    Raises:
        InvalidRequest: naming what is wrong with it.
    """
    value, rated_at_us, problems = check_value(rating.value, rating.rated_at, scale=scale, now_us=now_us, place="")
    if problems:
        raise InvalidRequest("; ".join(f"{p['field']}: {p['detail']}" for p in problems), problems)
    return RatingRow(user_id, item_id, value, rated_at_us)
