"""Dates of a batch as microseconds: Unix times, RFC 3339, and dates without a zone or a time of day."""

import re
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import Any

import numpy as np
import pyarrow as pa
from dateutil import parser
from numpy.typing import NDArray
from pyarrow import compute

from app.kit.times import DAY_US, to_us
from app.ratings.bulk_repository import NO_TIME, Whole
from app.transfer.options import is_number
from app.transfer.problems import TransferProblem

BAD_TIME = NO_TIME + 1
SECONDS_BELOW, MILLISECONDS_BELOW = 1e11, 1e14  # a larger number of seconds lies past the year 5000
MICROSECONDS_BELOW = 1e17
YEARS, DAYS_OF_EXCEL = (1900, 2100), (30_000, 60_000)  # numbers that are all of these are no seconds of 1970
DAY_NUMBER = r"^(?:19|20)[0-9]{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])(?:\.0)?$"  # in 1970, as a Unix time
DAYS = 19_000_000, 21_000_000
TICKS = (6.2e17, 6.6e17)  # of .NET from the year 1966 to 2092: nanoseconds of 1989 and 1990
CTIME = "%a %b %d %H:%M:%S %z %Y"  # "Fri Nov 10 15:06:13 -0800 2017", as Goodreads writes it
find_year_first = re.compile(r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})(?:[T ](.*))?").fullmatch
find_year_last = re.compile(r"(\d{1,2})([-/.])(\d{1,2})[-/.](\d{4}|\d{2})(?:,? (.*))?").fullmatch
DEFAULTS = datetime(2000, 1, 1), datetime(2001, 2, 2)  # what a date leaves out differs in these
MISSING = pa.array(["", "NULL", "null", "\\N", "NaN", "NaT", "None", "NA", "N/A"])
OF_A_ZONE = re.compile(r"\b(?:GMT|UTC)(?=[-+]\d)| \([^)]*\)$")  # GMT+0100 (Central European Standard Time)
UTC_WORD = re.compile(r" ?(?:UTC|GMT|Z)$")
is_compact = re.compile(r"\d{8}T\d{4}(?:\d\d)?(?:Z|[+-]\d\d:?\d\d)?").fullmatch
NO_DATE = "rows without a date count as of now"
NO_ZONE = "dates without a time zone are taken as UTC: --timezone NAME says otherwise"
NO_HOUR = "dates without a time of day are taken as the start of the day"
YEAR_1970_US = 365 * DAY_US
IN_1970 = "all dates lie in 1970, as numbers that are no dates do"


class TimeReader:
    """Reads the dates of one file."""

    def __init__(self, zone: tzinfo | None, date_order: str | None, notes: list[str]) -> None:
        self._zone = zone or UTC
        self._has_zone = zone is not None
        self._order = date_order
        self._notes = notes

    def read(self, column: pa.Array | None, num_rows: int) -> Whole:
        """Read the dates of a batch: NO_TIME where there is none, BAD_TIME where it cannot be read."""
        if column is None or pa.types.is_null(column.type):
            return np.full(num_rows, NO_TIME)
        moments = self._read(column)
        known = moments[~np.isin(moments, (NO_TIME, BAD_TIME))]
        self._note(IN_1970, len(known) > 0 and known.min() >= 0 and known.max() < YEAR_1970_US)
        return moments

    def _read(self, column: pa.Array) -> Whole:
        if pa.types.is_date(column.type) or pa.types.is_timestamp(column.type):
            has_zone = pa.types.is_timestamp(column.type) and column.type.tz is not None
            return whole_numbers(column.cast(pa.timestamp("us", "UTC"))) if has_zone else self._in_zone(column)
        if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
            return self._read_texts(compute.if_else(compute.is_in(column, MISSING), None, column))
        return self._read_numbers(column)

    def _read_numbers(self, column: pa.Array) -> Whole:
        """Read Unix times, and days that are written as eight digits."""
        is_whole = pa.types.is_integer(column.type)
        numbers = unix_us(whole_numbers(column.cast(pa.int64(), safe=False))) if is_whole else float_us(column)
        may_be_day = compute.and_(compute.greater(column, DAYS[0]), compute.less(column, DAYS[1]))
        if not compute.any(may_be_day).as_py():
            return numbers
        texts = column.cast(pa.string()) if is_whole else shortest(column)
        is_day = compute.match_substring_regex(texts, DAY_NUMBER).fill_null(False)
        if not compute.any(is_day).as_py():
            return numbers
        digits = compute.utf8_slice_codeunits(compute.if_else(is_day, texts, None), 0, 8)
        days = compute.strptime(digits, format="%Y%m%d", unit="us", error_is_null=True)
        return np.where(np.asarray(is_day), self._in_zone(days), numbers)

    def _read_texts(self, column: pa.Array) -> Whole:
        self._note(NO_DATE, 0 < column.null_count < len(column))
        for kind, convert in self._kinds():
            try:
                return convert(column.cast(kind))
            except pa.ArrowInvalid:
                continue
        encoded = column.dictionary_encode()
        moments = np.array([*self._read_distinct(encoded.dictionary.to_pylist()), NO_TIME], np.int64)
        found: Whole = moments[np.asarray(encoded.indices.fill_null(len(moments) - 1))]
        return found

    def _kinds(self) -> Iterable[tuple[pa.DataType, Callable[[pa.Array], Whole]]]:
        return (
            (pa.int64(), self._read_numbers),
            (pa.float64(), self._read_numbers),
            (pa.timestamp("us", "UTC"), whole_numbers),
            (pa.timestamp("us"), self._in_zone),
        )

    def _in_zone(self, column: pa.Array) -> Whole:
        """Read moments without a zone."""
        local = column.cast(pa.timestamp("us"))
        if len(local) > local.null_count:
            numbers = local.cast(pa.int64())
            self._note(NO_ZONE, not self._has_zone)
            self._note(NO_HOUR, not np.any(numbers.drop_null().to_numpy() % DAY_US))
        if self._zone is UTC:
            return whole_numbers(local)
        name = str(self._zone).removeprefix("UTC")  # Arrow's name of UTC+02:00 is +02:00
        zoned = compute.assume_timezone(local, name or "UTC", ambiguous="earliest", nonexistent="latest")
        return whole_numbers(zoned)

    def _read_distinct(self, texts: list[str]) -> list[int]:
        texts = [text.strip() for text in texts]
        self._order = self._order or find_order(texts)
        return [self._read_text(text) for text in texts]

    def _read_text(self, text: str) -> int:
        if is_number(text):
            return int(self._read_numbers(pa.array([float(text)]))[0])
        try:
            moment = read_moment(text, self._order)
            if moment.tzinfo is None:
                moment = moment.replace(tzinfo=self._zone)
                self._note(NO_ZONE, not self._has_zone)
                self._note(NO_HOUR, ":" not in text)
            return to_us(moment)
        except (ValueError, ArithmeticError, TypeError, LookupError, AttributeError):  # what dateutil raises
            return int(BAD_TIME)

    def _note(self, note: str, applies: bool) -> None:
        if applies and note not in self._notes:
            self._notes.append(note)


def shortest(column: pa.Array) -> pa.Array:
    """Write numbers with a fraction as text, whole ones without it."""
    whole = compute.equal(compute.round(column), column)
    small = compute.and_(whole, compute.less(compute.abs(column), 2.0**53))
    return compute.if_else(small, column, None).cast(pa.int64(), safe=False).cast(pa.string())


def find_order(texts: list[str]) -> str | None:
    """Find out whether day or month comes first, from all of the dates; None if none of them needs it.

    Raises:
        TransferProblem: if that is not clear.
    """
    found = [match for text in texts if (match := find_year_last(text)) and match[2] != "."]
    if not found:
        return None
    if short := next((match[0] for match in found if len(match[4]) == 2), None):
        raise TransferProblem(
            f"dates such as {short} do not say which part is the year: say --date-order dmy, mdy or ymd.", "date_order"
        )
    day_first, month_first = (any(int(match[place]) > 12 for match in found) for place in (1, 3))
    if day_first == month_first:
        raise TransferProblem(
            f"dates such as {found[0][0]} do not say whether day or month comes first: say --date-order dmy or"
            " --date-order mdy.",
            "date_order",
        )
    return "dmy" if day_first else "mdy"


def read_moment(text: str, order: str | None) -> datetime:
    """Read a date, with its zone if it names one.

    Raises:
        ValueError: if it is none.
    """
    if is_compact(text):
        return datetime.fromisoformat(text)
    if match := find_year_first(text):
        year, month, day, rest = match.groups()
        rest = UTC_WORD.sub("+00:00", rest or "")
        return datetime.fromisoformat(f"{year}-{month:0>2}-{day:0>2}" + (f"T{rest}" if rest else ""))
    if match := find_year_last(text):
        *parts, rest = match.group(1, 3, 4, 5)
        date = order_parts(parts, "dmy" if match[2] == "." else order or "dmy")
        return parse_words(rest, date) if rest else date
    if not re.search("[A-Za-z]{3}", text):
        raise ValueError(text)
    text = OF_A_ZONE.sub("", text)  # dateutil takes GMT+1 for an hour behind GMT
    try:
        return datetime.strptime(text, CTIME)
    except ValueError:
        first_guess, second_guess = (parse_words(text, default) for default in DEFAULTS)
        if first_guess != second_guess:
            raise ValueError(text) from None  # it names no day
        return first_guess


def order_parts(parts: Sequence[str], order: str) -> datetime:
    """Read a date in three numbers; a year of two digits is one from 1969 to 2068, as POSIX says.

    Raises:
        ValueError: if it is none.
    """
    year, month, day = (parts[order.index(part)] for part in "ymd")
    if len(year) == 2:
        return datetime.strptime(f"{year}-{month}-{day}", "%y-%m-%d")
    return datetime(int(year), int(month), int(day))


def parse_words(text: str, default: datetime) -> datetime:
    """Read a date or a time of day, the rest of it as in the default."""
    moment: datetime = parser.parse(text, default=default, tzinfos=known_zone)
    return moment


def known_zone(name: str | None, offset_s: int | None) -> tzinfo | None:
    """Return a zone that a date names.

    Raises:
        ValueError: if its name says nothing, as PST and CST, which several zones are called.
    """
    if offset_s is not None:
        return timezone(timedelta(seconds=offset_s))
    if name is not None:
        raise ValueError(name)
    return None


def whole_numbers(column: pa.Array) -> Whole:
    """Return whole numbers, NO_TIME where there is none; BAD_TIME for a number that equals it."""
    column = column.cast(pa.int64())
    numbers: Whole = np.asarray(column.fill_null(BAD_TIME))
    return np.where(np.asarray(column.is_null()), NO_TIME, np.where(numbers == NO_TIME, BAD_TIME, numbers))


def float_us(column: pa.Array) -> Whole:
    """Read Unix times with a fraction."""
    numbers = column.cast(pa.float64()).to_numpy(zero_copy_only=False)
    missing = np.asarray(column.is_null())
    scaled = np.rint(np.where(numbers >= MICROSECONDS_BELOW, numbers / 1_000, numbers * unit_us(numbers)))
    readable = (np.abs(scaled) < 2**62) & are_unix_times(numbers[~missing])
    return np.where(missing, NO_TIME, np.where(readable, np.where(readable, scaled, 0).astype(np.int64), BAD_TIME))


def unix_us(numbers: Whole) -> Whole:
    """Turn Unix seconds, milli-, micro- or nanoseconds into microseconds, told apart by their size."""
    unit = unit_us(numbers.astype(np.float64))
    moments = np.where(numbers >= MICROSECONDS_BELOW, numbers // 1_000, numbers * unit)
    is_none = np.isin(numbers, (NO_TIME, BAD_TIME))
    if not are_unix_times(numbers[~is_none]):
        moments = np.full_like(numbers, BAD_TIME)
    return np.where(is_none, numbers, moments)


def are_unix_times(numbers: NDArray[Any]) -> bool:
    """Return whether numbers may be Unix times: years, or days as a spreadsheet counts them, are none."""
    numbers = numbers[numbers != 0]  # which stands for none in some files
    if not len(numbers):
        return True
    least, most = numbers.min(), numbers.max()
    return not any(first <= least and most <= last for first, last in (YEARS, DAYS_OF_EXCEL, TICKS))


def unit_us(numbers: NDArray[np.float64]) -> Whole:
    """Return how many microseconds the unit of a Unix time is, by its size: a second, a millisecond or one."""
    size = np.abs(numbers)
    return np.where(size < SECONDS_BELOW, 1_000_000, np.where(size < MILLISECONDS_BELOW, 1_000, 1))
