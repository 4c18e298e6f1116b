"""Turn a batch of columns into ratings to store and rows to refuse, by array."""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from app.keep_out.service import KeptOutIds, describe_field
from app.kit.times import EARLIEST_US, from_us, now_us
from app.ratings.bulk import RatingColumns
from app.ratings.bulk_keep_out import divide
from app.ratings.bulk_repository import NO_TIME, Flags
from app.ratings.scale import MAX_AHEAD_US, Scale
from app.transfer.cleaning.ids import Ids, read_ids
from app.transfer.cleaning.stops import Watch
from app.transfer.cleaning.times import BAD_TIME, TimeReader
from app.transfer.cleaning.values import ValueReader, Values, snap
from app.transfer.options import Options, Rescale
from app.transfer.problems import OTHER_COLUMNS, RefusedRow
from app.transfer.reading.tables import Batch, Source

NONE_WORDS = {
    *(
        "nan",
        "NaN",
        "null",
        "NULL",
        "None",
        "none",
        "\\N",
        "<NA>",
        "undefined",
        "NA",
        "N/A",
        "n/a",
        "#N/A",
        "(null)",
        "-",
    ),
}
MIN_ALIKE = 10  # ratings of a file that may all be the same by chance


class Cleaned(NamedTuple):
    """Ratings to store, rows refused, how many rows are not rated, and the classes of values that are refused.

    Of the whole batch: its file, its lines, and which of its rows are ratings to store.
    """

    ratings: RatingColumns
    refused: list[RefusedRow]
    num_unrated: int
    classes: Mapping[str, list[str]]
    distinct: Sequence[float]  # values, where some are refused
    batch: Batch
    valid: Flags

    @property
    def num_taken(self) -> int:
        """Count the ratings to store."""
        return len(self.ratings.values)

    def ids(self) -> tuple[Sequence[str], Sequence[str]]:
        """Return the ids of the users and of the items."""
        return self.ratings.user_ids, self.ratings.item_ids

    def without(self, file: str, kept: KeptOutIds) -> "Cleaned":
        """Return the ratings that are not kept out; the others are refused."""
        allowed, fields = divide(self.ratings, kept)
        self.refuse_kept_out(file, fields)
        return self._replace(ratings=allowed)

    def refuse_kept_out(self, file: str, fields: Mapping[int, str]) -> None:
        """Refuse ratings after all, given by their places, each with the field whose id is kept out."""
        rows = np.flatnonzero(self.valid)[list(fields)].tolist()
        self.refused.extend(
            RefusedRow(file, self.batch.lines[row], self.batch.row(row), [f"{field} {describe_field(field)}"])
            for row, field in zip(rows, fields.values(), strict=True)
        )

    def rows(self, number: int) -> list[dict[str, object]]:
        """Return the first ratings as they would be stored."""
        rows = [self.ratings.row(place) for place in range(min(number, self.num_taken))]
        return [
            {"user_id": user, "item_id": item, "value": value, "rated_at": None if at is None else from_us(at)}
            for user, item, value, at in rows
        ]


class RatingCleaner:
    """Cleans the batches of one file of ratings."""

    def __init__(self, source: Source, scale: Scale, options: Options) -> None:
        self._source, self._scale, self._options = source, scale, options
        has_percents = options.rescale is not None
        self._values = ValueReader(options.words, options.unrated | source.unrated, has_percents)
        self._times = TimeReader(options.timezone, options.date_order, source.notes)
        self._watch = Watch(source.file, scale, options)

    def batches(self) -> Iterator[tuple[int, Cleaned]]:
        """Clean the file's batches: bytes read so far, and what is cleaned.

        Raises:
            TransferProblem: if a whole class of values would be refused.
        """
        for batch in self._source.batches():
            cleaned = self.clean(batch)
            self._watch.check(cleaned.classes, len(batch.lines) + len(batch.refused), cleaned.distinct)
            yield batch.position, cleaned

    def clean(self, batch: Batch) -> Cleaned:
        """Sort a batch into valid rows and rows to refuse."""
        columns = batch.columns
        users, items = read_ids(columns["user_id"]), read_ids(columns["item_id"])
        self._note_none("user_id", users)
        self._note_none("item_id", items)
        values = self._values.read(columns["value"])
        snapped = snap(values.raw, self._scale, self._options.rescale)
        times = self._times.read(columns.get("rated_at"), len(snapped))
        in_time = (times == NO_TIME) | ((times >= EARLIEST_US) & (times <= now_us() + MAX_AHEAD_US))
        rated = ~values.unrated
        valid = users.valid() & items.valid() & ~np.isnan(snapped) & in_time & rated
        self._note_likes(snapped[valid])
        reasons = Reasons(
            users, items, values, ~np.isnan(snapped), in_time, times == BAD_TIME, self._options.rescale or self._scale
        )
        refused = [
            refuse(batch, self._source.file, int(row), reasons) for row in np.flatnonzero(~valid & ~values.unrated)
        ]
        classes = reasons.classes(batch) | other_columns(batch)
        return Cleaned(
            select(users, items, valid, values=snapped, times=times),
            batch.refused + refused,
            int(values.unrated.sum()),
            classes,
            np.unique(values.raw[~np.isnan(values.raw)]).tolist() if classes else [],
            batch,
            valid,
        )

    def _note_likes(self, values: np.ndarray) -> None:
        """Note that all ratings are the lowest of the scale, as likes are that are written as 1."""
        lowest = float(self._scale.minimum)
        if len(values) >= MIN_ALIKE and (values == lowest).all() and not self._options.words:
            highest = f"{float(self._scale.maximum):g}"
            note = f"all ratings are {lowest:g}, the lowest: if it stands for a like, --map {lowest:g}={highest}"
            if note not in self._source.notes:
                self._source.notes.append(note)

    def _note_none(self, field: str, ids: Ids) -> None:
        """Note the ids that other programs write for none."""
        notes = self._source.notes
        for word in sorted(NONE_WORDS.intersection(ids.distinct)):
            note = f"{self._source.file}: {field} is {word} in some rows, which count as one; remove them if it is none"
            if note not in notes:
                notes.append(note)


def other_columns(batch: Batch) -> dict[str, list[str]]:
    """Return the lines with another number of columns, as a decimal comma without quotes makes them."""
    lines = [str(row.row) for row in batch.refused if row.errors[0].startswith(OTHER_COLUMNS)]
    return {"lines": lines} if lines else {}


def select(users: Ids, items: Ids, valid: Flags, *, values: np.ndarray, times: np.ndarray) -> RatingColumns:
    """Return the ratings of the valid rows."""
    user_indices, user_ids = users.select(valid)
    item_indices, item_ids = items.select(valid)
    return RatingColumns(user_ids, item_ids, user_indices, item_indices, values[valid], times[valid])


class Reasons(NamedTuple):
    """All that is known about the rows of a batch."""

    users: Ids
    items: Ids
    values: Values
    on_scale: Flags
    in_time: Flags
    no_time: Flags
    scale: Scale | Rescale

    def classes(self, batch: Batch) -> dict[str, list[str]]:
        """Return the values that are refused, by class: one entry a row."""
        raw, unrated, empty = self.values
        off, rated = ~self.on_scale & ~unrated & ~np.isnan(raw), ~unrated
        within = (raw >= self.scale.minimum) & (raw <= self.scale.maximum)
        marked = {
            "value": {
                "fractions": off & within,
                "below": off & (raw < self.scale.minimum),
                "above": off & (raw > self.scale.maximum),
                "empty": empty,
                "words": np.isnan(raw) & rated & ~empty,
            },
            "rated_at": {"dates": self.no_time & rated, "future": ~self.in_time & ~self.no_time & rated},
        }
        return {
            name: [str(batch.columns[field][int(row)].as_py()) for row in np.flatnonzero(flags)]
            for field, classes in marked.items()
            for name, flags in classes.items()
            if flags.any()
        }

    def of(self, row: int) -> list[str]:
        """Describe what is wrong with a row, field by field."""
        columns = [("user_id", self.users), ("item_id", self.items)]
        found = [f"{name} {problem}" for name, ids in columns if (problem := ids.problems.get(int(ids.indices[row])))]
        if np.isnan(self.values.raw[row]):
            found.append("value must be a number")
        elif not self.on_scale[row]:
            found.append(f"value {self.values.raw[row]:g} is not on the scale: {scale_fix(self.scale)}")
        if not self.in_time[row]:
            found.append("rated_at must be Unix seconds, milliseconds or RFC 3339, and not in the future")
        return found


def scale_fix(scale: Scale | Rescale) -> str:
    """Describe how to make a value fit."""
    if isinstance(scale, Rescale):
        return f"--rescale says {scale.minimum:g} to {scale.maximum:g}"
    return f"it is {scale}; set PALATE_RATING_MIN, PALATE_RATING_MAX and PALATE_RATING_STEP, or import with --rescale"


def refuse(batch: Batch, file: str, row: int, reasons: Reasons) -> RefusedRow:
    """Describe a row to refuse, with its values as the file has them."""
    return RefusedRow(file, batch.lines[row], batch.row(row), reasons.of(row))
