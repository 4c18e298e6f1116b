"""What the caller of an import says about the file: options of the command, parameters over HTTP."""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import orjson

from app.kit.ids import check_id, normalize_id
from app.transfer.layouts.names import parse_renames
from app.transfer.problems import MAX_REFUSED, TransferProblem

POSITIONS = ("user_id", "item_id", "value", "rated_at")  # what --columns counts
DATE_ORDERS = ("dmy", "mdy", "ymd")
is_number = re.compile(r"[-+]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?").fullmatch


class Rescale(NamedTuple):
    """The scale of the file, to be stretched over the instance's own."""

    minimum: float
    maximum: float


@dataclass(frozen=True, kw_only=True)
class Options:
    """What the caller says about a file; what is left out is found out from the file."""

    form: str = "auto"
    kind: str | None = None
    renames: Mapping[str, str] = field(default_factory=dict)  # our field to the file's column
    positions: Mapping[str, int] = field(default_factory=dict)  # our field to the column's number, from 1
    has_header: bool = True
    user: str | None = None
    value: float | None = None
    words: Mapping[str, float] = field(default_factory=dict)
    unrated: frozenset[str] = frozenset()
    timezone: tzinfo | None = None  # None is UTC, and said so
    date_order: str | None = None
    rescale: Rescale | None = None
    max_refused: float = MAX_REFUSED
    match_titles: bool = False


def parse_number(text: str, field: str) -> float:
    """Read a number.

    Raises:
        TransferProblem: if it is none.
    """
    if not is_number(text.strip()) or not math.isfinite(number := float(text)):
        raise TransferProblem(f"{field} {text}: write a number, such as 5 or 4.5.", field)
    return number


def parse_rescale(text: str | None) -> Rescale | None:
    """Read `MIN:MAX`.

    Raises:
        TransferProblem: if it is not that.
    """
    if text is None:
        return None
    low, _, high = text.partition(":")
    try:
        rescale = Rescale(float(low), float(high))
    except ValueError:
        raise TransferProblem(f"rescale {text}: write MIN:MAX, e.g. 0:10.", "rescale") from None
    if not 0 < rescale.maximum - rescale.minimum < math.inf:
        raise TransferProblem(f"rescale {text}: write two numbers, the second one larger.", "rescale")
    return rescale


def parse_words(texts: Sequence[str]) -> dict[str, float]:
    """Read `up=5,down=1`, or the same as a JSON object; either may be repeated.

    Raises:
        TransferProblem: if it is not that.
    """
    words: dict[str, float] = {}
    for text in texts:
        if text.lstrip().startswith("{"):
            words |= parse_json_words(text)
            continue
        for pair in text.split(","):
            word, separator, number = pair.rpartition("=")
            if not separator:
                raise TransferProblem(f"map {pair}: write WORD=NUMBER, e.g. up=5,down=1.", "map")
            words[word.strip()] = parse_number(number, "map")
    return words


def parse_json_words(text: str) -> dict[str, float]:
    """Read `{"up": 5, "down": 1}`.

    Raises:
        TransferProblem: if it is not that.
    """
    try:
        words: dict[str, Any] = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise TransferProblem(f"map {text}: that is not valid JSON ({error}).", "map") from None
    return {word.strip(): parse_number(str(number), "map") for word, number in words.items()}


def parse_positions(text: str | None) -> dict[str, int]:
    """Read `1,2,3,4`: the columns of user, item, value and date; an empty place or 0 is none.

    Raises:
        TransferProblem: if it is not that.
    """
    if text is None:
        return {}
    places = [place.strip() or "0" for place in text.split(",")]
    if len(places) > len(POSITIONS) or not all(re.fullmatch("[0-9]{1,4}", place) for place in places):
        raise TransferProblem(f"columns {text}: write the places of user, item, value and date: 1,2,3,4.", "columns")
    return {field: int(place) for field, place in zip(POSITIONS, places, strict=False) if int(place)}


def parse_timezone(text: str | None) -> tzinfo | None:
    """Read the name of a time zone, or its distance from UTC.

    Raises:
        TransferProblem: if it is not known here.
    """
    try:
        if text is None or not re.fullmatch(r"[-+]\d\d:?\d\d", text):
            return None if text is None else ZoneInfo(text)
        return datetime.strptime(text, "%z").tzinfo
    except (ValueError, OSError, KeyError):
        raise TransferProblem(
            f"timezone {text}: write UTC, a name such as Europe/Berlin, or +02:00.", "timezone"
        ) from None


def parse_user(text: str | None) -> str | None:
    """Read the id of the user whose file it is.

    Raises:
        TransferProblem: if it is none.
    """
    try:
        return None if text is None else check_id(normalize_id(text))
    except ValueError as error:
        raise TransferProblem(f"user {error}.", "user") from None


def parse_date_order(text: str | None) -> str | None:
    """Read which of day and month comes first.

    Raises:
        TransferProblem: if it says neither.
    """
    if text not in (None, *DATE_ORDERS):
        raise TransferProblem(f"date-order {text}: write dmy, mdy or ymd.", "date_order")
    return text


def parse_share(text: float) -> float:
    """Check the share of rows that may be refused.

    Raises:
        TransferProblem: if it is none.
    """
    if not 0 <= text <= 1:
        raise TransferProblem(f"max-refused {text}: write a share between 0 and 1.", "max_refused")
    return text


def parse_options(
    *,
    form: str = "auto",
    kind: str | None = None,
    column: Sequence[str] = (),
    columns: str | None = None,
    has_header: bool = True,
    user: str | None = None,
    value: str | None = None,
    words: Sequence[str] = (),
    unrated: str | None = None,
    timezone: str | None = None,
    date_order: str | None = None,
    rescale: str | None = None,
    max_refused: float = MAX_REFUSED,
    match_titles: bool = False,
) -> Options:
    """Read the options as they are written.

    Raises:
        TransferProblem: naming the one that is wrong, and what to write.
    """
    return Options(
        form=form,
        kind=kind,
        renames=parse_renames(column),
        positions=parse_positions(columns),
        has_header=has_header,
        user=parse_user(user),
        value=None if value is None else parse_number(value, "value"),
        words=parse_words(words),
        unrated=frozenset() if unrated is None else frozenset(part.strip() for part in unrated.split(",")),
        timezone=parse_timezone(timezone),
        date_order=parse_date_order(date_order),
        rescale=parse_rescale(rescale),
        max_refused=parse_share(max_refused),
        match_titles=match_titles,
    )
