"""Turn a batch of columns into items to store and rows to refuse."""

import re
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import orjson
from pydantic import ValidationError

from app.catalogue.schemas import ItemPatch
from app.catalogue.service import ItemChange
from app.keep_out.service import KeptOutIds, Kind, describe
from app.kit.validation import fix
from app.transfer.cleaning.ids import as_text, id_problem, normalize_texts
from app.transfer.layouts.shapes import GENRES
from app.transfer.problems import RefusedRow
from app.transfer.reading.tables import Batch, Source

FILM_TITLE = re.compile(r"(?s)(.*\S) +\((\d{4})\)\s*").fullmatch
NO_GENRES = "(no genres listed)"
BAR = "|"
LIST_SEPARATORS = (", ", "; ", ",", ";")
TEXT_OF_PYTHON = r"(?:'[^'\\\n]*'|\"[^\"\\\n]*\")"
is_list_of_python = re.compile(rf"[\[({{] *(?:{TEXT_OF_PYTHON}(?: *, *{TEXT_OF_PYTHON})* *,?)? *[\])}}]").fullmatch
find_texts = re.compile(TEXT_OF_PYTHON).findall
is_array_of_postgresql = re.compile(r"\{[^{}]*\}").fullmatch
find_elements = re.compile(r'"((?:[^"\\]|\\.)*)"|([^,{}"]+)').findall
NULL = "\\N"  # of MySQL and PostgreSQL
TRUTH = dict.fromkeys(("true", "1", "yes", "t", "y"), True) | dict.fromkeys(("false", "0", "no", "f", "n"), False)


class CleanedItems(NamedTuple):
    """Items to store, and rows refused."""

    changes: list[ItemChange]
    refused: list[RefusedRow]
    lines: list[int]  # of the items to store
    num_unrated: int = 0

    @property
    def num_taken(self) -> int:
        """Count the items to store."""
        return len(self.changes)

    def ids(self) -> tuple[Sequence[str], Sequence[str]]:
        """Return the ids of the users, which there are none of, and of the items."""
        return (), [change.item_id for change in self.changes]

    def without(self, file: str, kept: KeptOutIds) -> "CleanedItems":
        """Return the items that are not kept out; the others are refused."""
        if not kept.items:
            return self
        pairs = list(zip(self.changes, self.lines, strict=True))
        self.refused.extend(
            refuse_kept_out(file, line, change) for change, line in pairs if change.item_id in kept.items
        )
        allowed = [(change, line) for change, line in pairs if change.item_id not in kept.items]
        return self._replace(changes=[change for change, _ in allowed], lines=[line for _, line in allowed])

    def rows(self, number: int) -> list[dict[str, Any]]:
        """Return the first items as they would be stored."""
        return [{"item_id": change.item_id, **change.fields} for change in self.changes[:number]]


def refuse_kept_out(file: str, line: int, change: ItemChange) -> RefusedRow:
    """Refuse an item whose id is kept out."""
    return RefusedRow(file, line, {"item_id": change.item_id}, [f"item_id {describe(Kind.ITEM)}"])


class ItemCleaner:
    """Cleans the batches of one file of items. What stands between its categories is found in the first batch."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._separator = source.list_separator

    def batches(self) -> Iterator[tuple[int, CleanedItems]]:
        """Clean the file's batches: bytes read so far, and what is cleaned."""
        for batch in self._source.batches():
            if self._separator is None and "categories" in batch.columns:
                self._separator = find_list_separator(batch.columns["categories"].to_pylist())
                if self._separator != BAR:
                    self._source.notes.append(f"categories are taken as separated by {self._separator!r}")
            yield batch.position, clean_items(batch, self._source, self._separator or BAR)


def find_list_separator(values: Sequence[Any]) -> str:
    """Return what stands between categories: bars, or what a fifth of the cells has."""
    cells = [value for value in values if isinstance(value, str) and value and value[0] not in "[({"]
    others = (mark for mark in LIST_SEPARATORS if sum(mark in cell for cell in cells) * 5 >= len(cells) > 0)
    return BAR if any(BAR in cell for cell in cells) else next(others, BAR)


def clean_items(batch: Batch, source: Source, list_separator: str) -> CleanedItems:
    """Sort a batch of items into valid rows and rows to refuse."""
    columns = {name: column.to_pylist() for name, column in batch.columns.items() if name != "item_id"}
    item_ids = normalize_texts(as_text(batch.columns["item_id"])).to_pylist()
    changes, lines, refused = [], [], list(batch.refused)
    for place, item_id in enumerate(item_ids):
        values = {name: column[place] for name, column in columns.items()}
        values = {name: None if value == NULL else value for name, value in values.items()}
        if isinstance(names := values.get("categories"), str) and is_list_of_python(names):
            values["categories"] = [each[1:-1] for each in find_texts(names)]
        elif isinstance(names, str) and is_array_of_postgresql(names):
            values["categories"] = [re.sub(r"\\(.)", r"\1", quoted) or bare for quoted, bare in find_elements(names)]
        elif isinstance(names, str) and not names.startswith("["):
            values["categories"] = split_names(names, list_separator)
        fields, errors = read_fields(values, source.is_film_list)
        if problem := id_problem(item_id):
            errors.insert(0, f"item_id {problem}")
        if errors:
            refused.append(RefusedRow(source.file, batch.lines[place], batch.row(place), errors))
        else:
            changes.append(ItemChange(item_id, fields))
            lines.append(batch.lines[place])
    return CleanedItems(changes, refused, lines)


def read_fields(values: dict[str, Any], is_film_list: bool) -> tuple[dict[str, Any], list[str]]:
    """Return the fields of an item, and what is wrong with them. A cell without a value leaves the field as it is."""
    try:
        fields = {name: READ[name](value) for name, value in values.items() if value is not None and name in READ}
        if "unknown" in values:
            fields["categories"] = [genre for genre in GENRES if values[genre] == "1"]
        if is_film_list:
            fields |= split_year(fields.get("title"))
        elif fields.get("title") == "":
            fields["title"] = None
        checked = ItemPatch.model_validate(fields)
    except ValidationError as error:
        return {}, [f"{'.'.join(map(str, problem['loc']))}: {fix(problem)}" for problem in error.errors()]
    except (ValueError, TypeError) as error:  # a number of Parquet that JSON has none for
        return {}, [str(error)]
    return {name: getattr(checked, name) for name in checked.model_fields_set}, []


def split_year(title: str | None) -> dict[str, Any]:
    """Split "Alien (1979)" into a title and a year."""
    match = FILM_TITLE(title or "")
    return {"title": match[1], "attributes": {"year": int(match[2])}} if match else {"title": title or None}


def read_categories(value: Any) -> list[Any]:
    """Read categories: a list, a list as JSON or Python writes it, or names between bars.

    Raises:
        ValueError: if it is none of these.
    """
    if isinstance(value, list):
        return value
    if str(value).startswith("["):
        try:
            categories: list[Any] = orjson.loads(value)
        except orjson.JSONDecodeError as error:
            raise ValueError(f"categories: not a JSON list: {error}") from None
        return categories
    return split_names(str(value), BAR)


def split_names(text: str, separator: str) -> list[str]:
    """Split the names of categories."""
    return [part for part in text.strip().split(separator) if part and part != NO_GENRES]


def read_active(value: Any) -> bool:
    """Read a yes or no.

    Raises:
        ValueError: if it is neither.
    """
    if isinstance(value, bool):
        return value
    try:
        return TRUTH[str(value).lower()] if value != "" else True
    except KeyError:
        raise ValueError(f"active: {value!r} is neither true nor false") from None


def read_attributes(value: Any) -> Any:
    """Read a JSON object."""
    try:
        return orjson.loads(value or "{}") if isinstance(value, str) else value
    except orjson.JSONDecodeError as error:
        raise ValueError(f"attributes: not a JSON object: {error}") from None


def read_title(value: Any) -> str:
    """Read a title."""
    return value if isinstance(value, str) else str(value)


def read_moment(value: Any) -> Any:
    """Read a time; an empty cell is none."""
    return None if value == "" else value


READ = {
    "title": read_title,
    "categories": read_categories,
    "active": read_active,
    "attributes": read_attributes,
    "available_from": read_moment,
    "available_until": read_moment,
}
