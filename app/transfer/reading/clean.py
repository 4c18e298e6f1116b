"""Turn a batch of columns into ratings to store and rows to refuse, by array."""

import math
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import compute

from app.kit.ids import check_id
from app.kit.times import EARLIEST_US, now_us, to_us
from app.ratings.bulk import RatingColumns
from app.ratings.bulk_repository import NO_TIME, Flags, Whole
from app.ratings.scale import DIGITS, MAX_AHEAD_US, Scale
from app.settings import MAX_ID_LENGTH
from app.transfer.problems import RefusedRow, TransferProblem
from app.transfer.reading.readers import Batch, Source

BAD_TIME = NO_TIME + 1
SECONDS_BELOW, MILLISECONDS_BELOW = 1e11, 1e14  # a larger number of seconds lies past the year 5000


class Rescale(NamedTuple):
    """The scale of the file, to be stretched over the instance's own."""

    minimum: float
    maximum: float


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


class Cleaned(NamedTuple):
    """Ratings to store, rows refused, and how many of those only for their value's scale."""

    ratings: RatingColumns
    refused: list[RefusedRow]
    num_off_scale: int


class Ids(NamedTuple):
    """A column of ids: index of each row into the distinct ids, and what is wrong with some of those."""

    indices: Whole
    distinct: list[str | None]
    problems: dict[int, str]

    def valid(self) -> Flags:
        """Mark the rows whose id is valid."""
        marked = np.ones(len(self.distinct), np.bool_)
        marked[list(self.problems)] = False
        return marked[self.indices]

    def select(self, rows: Flags) -> tuple[Whole, list[str]]:
        """Index the ids that occur in some rows, all of them valid."""
        indices = self.indices[rows]
        occurs = np.zeros(len(self.distinct), np.bool_)
        occurs[indices] = True
        place = np.cumsum(occurs) - 1
        return place[indices], [str(self.distinct[index]) for index in np.flatnonzero(occurs).tolist()]


def clean(batch: Batch, file: str, *, scale: Scale, rescale: Rescale | None, moment_us: int) -> Cleaned:
    """Sort a batch of ratings into valid rows and rows to refuse."""
    users, items = read_ids(batch.columns["user_id"]), read_ids(batch.columns["item_id"])
    raw = read_numbers(batch.columns["value"])
    values = snap(raw, scale, rescale)
    times = read_times(batch.columns.get("rated_at"), len(raw))
    on_scale = ~np.isnan(values)
    in_time = (times == NO_TIME) | ((times >= EARLIEST_US) & (times <= moment_us + MAX_AHEAD_US))
    ids_valid = users.valid() & items.valid()
    valid = ids_valid & on_scale & in_time
    user_indices, user_ids = users.select(valid)
    item_indices, item_ids = items.select(valid)
    ratings = RatingColumns(user_ids, item_ids, user_indices, item_indices, values[valid], times[valid])
    reasons = Reasons(users, items, raw, on_scale, in_time, scale if rescale is None else rescale)
    refused = batch.refused + [refuse(batch, file, int(row), reasons) for row in np.flatnonzero(~valid)]
    return Cleaned(ratings, refused, int((~on_scale & ~np.isnan(raw)).sum()))


def clean_batches(source: Source, scale: Scale, rescale: Rescale | None) -> Iterator[tuple[int, Cleaned]]:
    """Clean a file's batches: bytes read so far, and what is cleaned; stop at once if its scale is another.

    Raises:
        TransferProblem: if most of the first batch is off the scale.
    """
    for place, batch in enumerate(source.batches()):
        cleaned = clean(batch, source.file, scale=scale, rescale=rescale, moment_us=now_us())
        if place == 0 and cleaned.num_off_scale * 2 > len(batch.lines):
            raise TransferProblem(describe_other_scale(cleaned, len(batch.lines), source.file, scale))
        yield batch.position, cleaned


def describe_other_scale(cleaned: Cleaned, num_rows: int, file: str, scale: Scale) -> str:
    """Describe that a file's scale is another, and what to do."""
    values = sorted({float(value) for row in cleaned.refused if (value := row.row["value"]) not in (None, "")})
    return (
        f"{cleaned.num_off_scale} of the first {num_rows} ratings of {file} (such as {values[0]:g} and"
        f" {values[-1]:g}) are not on this instance's scale, {scale}; nothing was taken from it. Set"
        " PALATE_RATING_MIN, PALATE_RATING_MAX and PALATE_RATING_STEP to the file's scale, or stretch the file's"
        " scale with --rescale MIN:MAX, over HTTP with rescale=MIN:MAX."
    )


class Reasons(NamedTuple):
    """All that is known about the rows of a batch."""

    users: Ids
    items: Ids
    raw: NDArray[np.float64]
    on_scale: Flags
    in_time: Flags
    scale: Scale | Rescale

    def of(self, row: int) -> list[str]:
        """Describe what is wrong with a row, field by field."""
        columns = [("user_id", self.users), ("item_id", self.items)]
        found = [f"{name} {problem}" for name, ids in columns if (problem := ids.problems.get(int(ids.indices[row])))]
        if np.isnan(self.raw[row]):
            found.append("value must be a number")
        elif not self.on_scale[row]:
            found.append(f"value {self.raw[row]:g} is not on the scale: {scale_fix(self.scale)}")
        if not self.in_time[row]:
            found.append("rated_at must be Unix seconds, milliseconds or RFC 3339, and not in the future")
        return found


def scale_fix(scale: Scale | Rescale) -> str:
    """Describe how to make a value fit."""
    if isinstance(scale, Rescale):
        return f"--rescale says {scale.minimum:g} to {scale.maximum:g}"
    return f"it is {scale}; set PALATE_RATING_MIN, PALATE_RATING_MAX and PALATE_RATING_STEP, or import with --rescale"


def refuse(batch: Batch, file: str, row: int, reasons: Reasons) -> RefusedRow:
    """Describe a row to refuse."""
    values = {name: column[row].as_py() for name, column in batch.columns.items()}
    return RefusedRow(file, batch.lines[row], values, reasons.of(row))


def read_ids(column: pa.Array) -> Ids:
    """Read ids: text, or whole numbers as text."""
    encoded = as_text(column).dictionary_encode()
    indices: Whole = np.asarray(encoded.indices.fill_null(len(encoded.dictionary))).astype(np.int64)
    distinct: list[str | None] = [*encoded.dictionary.to_pylist(), None]
    doubtful = [*np.flatnonzero(is_doubtful(encoded.dictionary)).tolist(), len(distinct) - 1]
    return Ids(indices, distinct, {place: problem for place in doubtful if (problem := id_problem(distinct[place]))})


def is_doubtful(texts: pa.Array) -> Flags:
    """Mark the texts that may be no ids. Half of a surrogate pair is not among them: Arrow's text is UTF-8."""
    lengths: NDArray[np.int32] = np.asarray(compute.utf8_length(texts))
    has_nul: Flags = np.asarray(compute.match_substring(texts, "\x00"))
    doubtful: Flags = has_nul | (lengths == 0) | (lengths > MAX_ID_LENGTH)
    return doubtful


def id_problem(text: str | None) -> str | None:
    """Describe what is wrong with an id, None if nothing is."""
    if text is None:
        return "must be text or a whole number"
    try:
        check_id(text)
    except ValueError as error:
        return str(error)
    return None


def as_text(column: pa.Array) -> pa.Array:
    """Write a column as text; numbers without a fraction as whole numbers."""
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if pa.types.is_floating(column.type):
        whole = compute.equal(compute.round(column), column)
        column = compute.if_else(whole, column, None).cast(pa.int64(), safe=False)
    return column.cast(pa.string())


def read_numbers(column: pa.Array) -> NDArray[np.float64]:
    """Read numbers; NaN is none."""
    try:
        column = column.cast(pa.float64())
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        column = pa.array([parse_or_none(float, value) for value in column.to_pylist()], pa.float64())
    numbers: NDArray[np.float64] = column.to_numpy(zero_copy_only=False).astype(np.float64)
    return np.where(np.isfinite(numbers), numbers, np.nan)


def parse_or_none(parse: Callable[[Any], float], value: Any) -> float | None:
    """Parse a value, None if it cannot be."""
    try:
        return None if value is None or isinstance(value, bool) else parse(value)
    except (ValueError, TypeError, OverflowError):
        return None


def snap(raw: NDArray[np.float64], scale: Scale, rescale: Rescale | None) -> NDArray[np.float64]:
    """Return the values of the scale that are meant, NaN where there is none, as `Scale.snap` does for one."""
    values = raw
    if rescale is not None:
        inside = (raw >= rescale.minimum) & (raw <= rescale.maximum)
        share = (raw - rescale.minimum) / (rescale.maximum - rescale.minimum)
        values = np.where(inside, scale.minimum + share * (scale.maximum - scale.minimum), np.nan)
    steps = (values - scale.minimum) / scale.step
    nearest = np.rint(steps)
    fits = (values >= scale.minimum - 1e-9) & (values <= scale.maximum + 1e-9)
    if rescale is None:
        fits &= np.abs(steps - nearest) <= 1e-6
    return np.where(fits, np.round(scale.minimum + nearest * scale.step, DIGITS), np.nan)


def read_times(column: pa.Array | None, num_rows: int) -> Whole:
    """Read dates as microseconds: NO_TIME where there is none, BAD_TIME where it cannot be read."""
    if column is None or pa.types.is_null(column.type):
        return np.full(num_rows, NO_TIME)
    if pa.types.is_timestamp(column.type) or pa.types.is_date(column.type):
        return whole_numbers(column.cast(pa.timestamp("us")))
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        column = compute.if_else(compute.equal(column, ""), None, column)
        return read_time_text(column)
    return unix_us(whole_numbers(column)) if pa.types.is_integer(column.type) else float_us(column)


def read_time_text(column: pa.Array) -> Whole:
    """Read dates written as numbers or as RFC 3339."""
    for kind, convert in ((pa.int64(), whole_unix), (pa.float64(), float_us), (pa.timestamp("us", "UTC"), moments)):
        try:
            return convert(column.cast(kind))
        except pa.ArrowInvalid:
            continue
    return np.array([one_time(text) for text in column.to_pylist()], np.int64)


def one_time(text: str | None) -> int:
    """Read one date."""
    if text is None:
        return int(NO_TIME)
    with suppress(ValueError):
        return int(float_us(pa.array([float(text)]))[0])
    try:
        moment = datetime.fromisoformat(text)
        return to_us(moment) if moment.tzinfo else int(BAD_TIME)
    except (ValueError, OverflowError):
        return int(BAD_TIME)


def whole_numbers(column: pa.Array) -> Whole:
    """Return whole numbers, NO_TIME where there is none; BAD_TIME for a number that equals it."""
    column = column.cast(pa.int64())
    numbers: Whole = np.asarray(column.fill_null(BAD_TIME))
    return np.where(np.asarray(column.is_null()), NO_TIME, np.where(numbers == NO_TIME, BAD_TIME, numbers))


def whole_unix(column: pa.Array) -> Whole:
    """Read whole Unix times."""
    return unix_us(whole_numbers(column))


def moments(column: pa.Array) -> Whole:
    """Return moments as microseconds."""
    return whole_numbers(column.cast(pa.int64()))


def float_us(column: pa.Array) -> Whole:
    """Read Unix times with a fraction."""
    numbers = column.cast(pa.float64()).to_numpy(zero_copy_only=False)
    missing = np.asarray(column.is_null())
    factor = np.where(np.abs(numbers) < SECONDS_BELOW, 1e6, np.where(np.abs(numbers) < MILLISECONDS_BELOW, 1e3, 1.0))
    scaled = np.rint(numbers * factor)
    readable = np.abs(scaled) < 2**62
    return np.where(missing, NO_TIME, np.where(readable, np.where(readable, scaled, 0).astype(np.int64), BAD_TIME))


def unix_us(numbers: Whole) -> Whole:
    """Turn Unix seconds or milliseconds into microseconds, told apart by their size."""
    size = np.abs(numbers.astype(np.float64))
    factor = np.where(size < SECONDS_BELOW, 1_000_000, np.where(size < MILLISECONDS_BELOW, 1_000, 1))
    return np.where(np.isin(numbers, (NO_TIME, BAD_TIME)), numbers, numbers * factor)
