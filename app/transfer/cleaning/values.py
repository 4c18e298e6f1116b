"""Values of a batch: numbers as JSON writes them, with a decimal comma where a file has one, words that are mapped."""

import re
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import compute

from app.ratings.bulk_repository import Flags
from app.ratings.scale import DIGITS, Scale
from app.transfer.options import Rescale, is_number

Floats = NDArray[np.float64]
has_decimal_comma = re.compile(r"[-+]?[0-9]+,(?:[0-9]{1,2}|[0-9]{4,})").fullmatch  # 1,000 may be a thousand


class Values(NamedTuple):
    """Values of a batch: NaN is none; which rows are not rated, and which are empty."""

    raw: Floats
    unrated: Flags
    empty: Flags


class ValueReader:
    """Reads the values of one file. Its decimal mark is that of its first fraction."""

    def __init__(self, words: Mapping[str, float], unrated: frozenset[str], has_percents: bool) -> None:
        self._words, self._has_percents = words, has_percents
        self._numbers = {float(word): value for word, value in words.items() if is_number(word)}
        self._unrated_texts = unrated
        self._unrated_numbers = np.array([float(text) for text in unrated if is_number(text)])
        self._mark: str | None = None

    def read(self, column: pa.Array) -> Values:
        """Read the values of a batch."""
        if is_numeric(column.type):
            raw = to_floats(column)
            named = [raw == number for number in self._numbers]
            raw = np.select(named, [*self._numbers.values()], raw) if named else raw
            empty: Flags = np.asarray(column.is_null())
        else:
            raw, empty = self._read_texts(column.cast(pa.string()))
        unrated = np.isin(raw, self._unrated_numbers) | (empty & ("" in self._unrated_texts))
        if not is_numeric(column.type) and (names := self._unrated_texts - {""}):
            unrated |= np.asarray(compute.is_in(column.cast(pa.string()), pa.array(sorted(names))))
        return Values(raw, unrated, empty & ~unrated)

    def _read_texts(self, column: pa.Array) -> tuple[Floats, Flags]:
        if not self._words and self._mark != ",":
            try:
                raw = to_floats(column.cast(pa.float64()))
            except pa.ArrowInvalid:
                pass
            else:
                if self._mark is None and (raw % 1 > 0).any():
                    self._mark = "."
                return raw, np.asarray(column.is_null())
        encoded = column.dictionary_encode()
        texts = [text.strip() for text in encoded.dictionary.to_pylist()]
        self._find_mark(texts)
        numbers = np.array([*map(self._read_text, texts), np.nan])
        blank = np.array([not text for text in texts] + [True])
        places = np.asarray(encoded.indices.fill_null(len(texts)))
        return numbers[places], blank[places]

    def _find_mark(self, texts: list[str]) -> None:
        if self._mark is None and any("." in text and is_number(text) for text in texts):
            self._mark = "."
        elif self._mark is None and any(map(has_decimal_comma, texts)):
            self._mark = ","

    def _read_text(self, text: str) -> float:
        if text in self._words:
            return self._words[text]
        if self._has_percents:
            text = text.removesuffix("%").rstrip()
        if self._mark == "," and has_decimal_comma(text):
            text = text.replace(",", ".")
        number = float(text) if is_number(text) else np.nan
        return self._numbers.get(number, number)


def is_numeric(kind: pa.DataType) -> bool:
    """Return whether a column holds numbers, and not their text."""
    is_one = pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)
    return bool(is_one or pa.types.is_null(kind))


def to_floats(column: pa.Array) -> Floats:
    """Return numbers; NaN where there is none that is finite."""
    numbers: Floats = column.cast(pa.float64()).to_numpy(zero_copy_only=False).astype(np.float64)
    return np.where(np.isfinite(numbers), numbers, np.nan)


def snap(raw: Floats, scale: Scale, rescale: Rescale | None) -> Floats:
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
    nearest = np.where(fits, nearest, 0)  # a very large one would overflow
    return np.where(fits, np.round(scale.minimum + nearest * scale.step, DIGITS), np.nan)
