"""Ids of a batch, by array: text, whole numbers as their digits."""

import re
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import compute

from app.kit.ids import WHOLE_NUMBER, check_id
from app.ratings.bulk_repository import Flags, Whole
from app.settings import MAX_ID_LENGTH

SHORTENED = r"^[0-9](?:[.,][0-9]+)?[eE]\+[0-9]{2,3}$"  # 9.78E+12: which id it was is lost


EXACT_BELOW = 2.0**53  # of numbers with a fraction: larger ones have lost digits


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


def read_ids(column: pa.Array) -> Ids:
    """Read ids."""
    encoded = as_text(column).dictionary_encode()
    distinct = normalize_texts(encoded.dictionary).dictionary_encode()  # two texts may be one id
    indices: Whole = np.asarray(encoded.indices.fill_null(len(encoded.dictionary))).astype(np.int64)
    texts = distinct.dictionary
    indices = np.append(np.asarray(distinct.indices).astype(np.int64), len(texts))[indices]
    ids: list[str | None] = [*texts.to_pylist(), None]
    doubtful = [*np.flatnonzero(is_doubtful(texts)).tolist(), len(ids) - 1]
    return Ids(indices, ids, {place: problem for place in doubtful if (problem := id_problem(ids[place]))})


def normalize_texts(texts: pa.Array) -> pa.Array:
    """Write whole numbers as their digits, as `normalize_id` does for one, and `="7"` as Excel shows it."""
    texts = compute.replace_substring_regex(texts, r'^="(.*)"$', r"\1")
    return compute.replace_substring_regex(texts, WHOLE_NUMBER, r"\1")


def is_doubtful(texts: pa.Array) -> Flags:
    """Mark the texts that may be no ids. Half of a surrogate pair is not among them: Arrow's text is UTF-8."""
    lengths: NDArray[np.int32] = np.asarray(compute.utf8_length(texts))
    has_nul: Flags = np.asarray(compute.match_substring(texts, "\x00"))
    is_shortened: Flags = np.asarray(compute.match_substring_regex(texts, SHORTENED))
    doubtful: Flags = has_nul | (lengths == 0) | (lengths > MAX_ID_LENGTH) | is_shortened
    return doubtful


def id_problem(text: str | None) -> str | None:
    """Describe what is wrong with an id, None if nothing is."""
    if text is None:
        return "must be text or a whole number"
    if re.match(SHORTENED, text):
        return f"is a number that a spreadsheet has shortened, {text}: export the column as text"
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
        whole = compute.and_(
            compute.equal(compute.round(column), column), compute.less(compute.abs(column), EXACT_BELOW)
        )
        column = compute.if_else(whole, column, None).cast(pa.int64(), safe=False)
    return column.cast(pa.string())
