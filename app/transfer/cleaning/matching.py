"""Find the items of a file in the catalogue by their titles, where the file has ids of its own."""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa

from app.transfer.cleaning.items import FILM_TITLE
from app.transfer.reading.describe import YEAR
from app.transfer.reading.tables import Batch, Source

TITLE = "title"
ARTICLES = "the|a|an|der|die|das|le|la|les|il|lo|el|los|las"
find_article = re.compile(rf"(.*), ({ARTICLES}|l')", re.IGNORECASE).fullmatch
in_brackets = re.compile(r"\s*\([^()]*\)")
Titled = tuple[str, str | None, dict[str, Any]]  # id, title, attributes


class Titles:
    """The items of a catalogue by title and year. Two of the same are neither of them."""

    def __init__(self, items: Iterable[Titled]) -> None:
        found: dict[tuple[str, int | None], set[str]] = {}
        for item_id, title, attributes in items:
            name, year = split(title or "", attributes.get("year"))
            for key in {(name, year), (name, None)} if name else ():
                found.setdefault(key, set()).add(item_id)
        self._items = {key: next(iter(ids)) for key, ids in found.items() if len(ids) == 1}

    def find(self, title: str, year: object) -> str | None:
        """Return the item of a title: of that year, else of one beside it, as premieres are dated; any without one."""
        name, number = split(title, year)
        years = [None] if number is None else [number, number - 1, number + 1]
        return next((self._items[name, each] for each in years if (name, each) in self._items), None)


def split(title: str, year: object) -> tuple[str, int | None]:
    """Return a title as it is compared, and the year: that at the end of the title, or one beside it."""
    if found := FILM_TITLE(title):
        title, year = found[1], found[2]
    digits = str(year).removesuffix(".0")
    return plain_title(title), int(digits) if re.fullmatch("[0-9]{4}", digits) else None


def plain_title(title: str) -> str:
    """Write a title without case, accents and marks, its article in front: "Matrix, The" as "thematrix"."""
    title = in_brackets.sub("", title).strip()
    if found := find_article(title):
        title = f"{found[2]} {found[1]}"
    letters = unicodedata.normalize("NFKD", title.replace("&", "and")).casefold()
    return "".join(letter for letter in letters if letter.isalnum())


def match(source: Source, titles: Titles) -> Source:
    """Return a file whose ratings are of the catalogue's items where a title is known, and its other items."""
    counts: Counter[bool] = Counter()

    def batches() -> Iterator[Batch]:
        for batch in source.batches():
            ids = find_all(batch, titles)
            counts.update(each is not None for each in ids)
            yield renamed(batch, ids) if source.kind == "ratings" else without(batch, ids)
            if source.kind == "ratings":
                note(source.notes, source.file, counts)

    return replace(source, batches=batches)


def find_all(batch: Batch, titles: Titles) -> list[str | None]:
    """Return the catalogue's item of each row, None where there is none."""
    if TITLE not in batch.columns:
        return [None] * len(batch.lines)
    rows = batch.columns[TITLE].to_pylist()
    years = batch.columns[YEAR].to_pylist() if YEAR in batch.columns else [None] * len(rows)
    return [titles.find(str(title), year) if title else None for title, year in zip(rows, years, strict=True)]


def renamed(batch: Batch, ids: Sequence[str | None]) -> Batch:
    """Return ratings with the ids that were found."""
    own = batch.columns["item_id"].cast(pa.string())
    found = pa.compute.coalesce(pa.array(ids, pa.string()), own)
    return replace(batch, columns=batch.columns | {"item_id": found})


def without(batch: Batch, ids: Sequence[str | None]) -> Batch:
    """Return the items that the catalogue does not have."""
    is_new = np.array([each is None for each in ids], np.bool_)
    columns = {name: column.filter(pa.array(is_new)) for name, column in batch.columns.items()}
    originals = {
        name: [value for value, keep in zip(values, is_new, strict=True) if keep]
        for name, values in batch.originals.items()
    }
    lines = [line for line, keep in zip(batch.lines, is_new, strict=True) if keep]
    return replace(batch, columns=columns, lines=lines, originals=originals)


def note(notes: list[str], file: str, counts: Counter[bool]) -> None:
    """Note how many of the titles are known, once."""
    start = f"{file}: by title, "
    notes[:] = [each for each in notes if not each.startswith(start)]
    notes.append(f"{start}{counts[True]:,} of {counts.total():,} rows are of items in the catalogue")
