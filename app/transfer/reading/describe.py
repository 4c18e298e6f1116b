"""What a table is to an import: its layout, its fields, what is constant and what is not used."""

import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import pyarrow as pa
from pyarrow import compute

from app.transfer.layouts.headers import find_by_header
from app.transfer.layouts.layout import Layout
from app.transfer.layouts.names import field_of, plain
from app.transfer.options import Options
from app.transfer.problems import TransferProblem
from app.transfer.reading.fields import (
    FIELDS,
    date_parts,
    describe_missing,
    kind_of,
    list_columns,
    map_columns,
    missing_fields,
)
from app.transfer.reading.tables import Batch, File, Source, Table

PART = "part:"  # of a date, before the column's name
YEAR = "match:year"
YEARS = {"year", "releaseyear", "movieyear", "yearpublished", "originalpublicationyear", "publicationyear"}


class Mapped(NamedTuple):
    """The fields of a table: their columns, the columns of the date's parts, and what is the same in each row."""

    fields: Mapping[str, str]
    parts: Sequence[str]
    constants: Mapping[str, str | float]

    def there(self) -> set[str]:
        """Return the fields that the table has."""
        return {*self.fields, *self.constants}


def describe(file: File, table: Table, options: Options, kind: str | None) -> list[Source]:
    """Return what to import from a table: its ratings or its items, or both of a user's own export.

    Raises:
        TransferProblem: naming what is missing, and the ways out.
    """
    layout = table.layout or (None if options.positions else find_by_header(table.names))
    if layout and layout.advice:
        raise TransferProblem(f"{file.name} is a {layout.name}: {layout.advice}.")
    mapped = map_table(table, options, layout, file.name)
    kinds = kinds_of(mapped, kind or options.kind, layout, is_body=file.is_strict)
    check(file, table, mapped, kind=kinds[-1], layout=layout)
    more = titles_of(table, mapped) if options.match_titles else {}
    unused = [name for name in unused_columns(table, mapped, kinds) if name not in more.values()]
    notes = table.notes  # reading may add to them
    notes += [f"{file.name}: {layout.name}" + (f"; {layout.note}" if layout.note else "")] if layout else []
    if layout and layout.is_of_one_user and "title" in mapped.fields and not options.match_titles:
        notes.append(f"{file.name}: if the catalogue has these titles under other ids: --match-titles")
    notes += [f"{file.name}: columns not used: {list_columns(unused)}"] if unused else []
    notes += [] if layout or options.positions else other_choices(mapped, unused, kinds, file.name)
    if "ratings" in kinds and "rated_at" not in mapped.fields and not mapped.parts:
        dates = sorted(filter(looks_like_a_date, unused), key=lambda name: is_of_the_item(name))
        hint = f"{file.name}: rows count as of now; if one of these is their date: --column"
        notes += [f"{hint} {shlex.quote(f'rated_at={dates[0]}')}"] if dates else []
    return [
        source_of(file, table, mapped, kind=each, layout=layout, more=more, notes=notes if each == kinds[-1] else [])
        for each in kinds
    ]


def map_table(table: Table, options: Options, layout: Layout | None, file: str) -> Mapped:
    """Find the fields of a table.

    Raises:
        TransferProblem: if an option says what a column says, too.
    """
    fields = map_columns(table.names, options, layout, file)
    constants: dict[str, str | float] = {}
    for field, option, constant in (("user_id", "user", options.user), ("value", "value", options.value)):
        if constant is None:
            continue
        if field in fields:
            raise TransferProblem(f"{file} has a column for {field}, {fields[field]}: leave out --{option}.", option)
        constants[field] = constant
    parts = () if "rated_at" in fields or options.positions else date_parts(table.names)
    return Mapped(fields, parts, constants)


def kinds_of(mapped: Mapped, kind: str | None, layout: Layout | None, *, is_body: bool) -> list[str]:
    """Return what to import: of a user's own export the items, too, for their titles."""
    if kind is None and layout and layout.is_of_one_user and not is_body:
        return ["items", "ratings"] if "title" in mapped.fields else ["ratings"]
    return [kind or (layout.kind if layout else kind_of(dict.fromkeys(mapped.there(), "")))]


def check(file: File, table: Table, mapped: Mapped, *, kind: str, layout: Layout | None) -> None:
    """Stop if a field that is needed is not there.

    Raises:
        TransferProblem: naming it, and the ways out.
    """
    missing = missing_fields(kind, mapped.there())
    if not missing:
        return
    if layout and missing == ["user_id"] and layout.is_of_one_user:
        raise TransferProblem(f"{file.name}: {layout.name}, for one user: say whose with --user NAME.", "user")
    if table.lists:
        raise TransferProblem(
            f"{file.name} holds lists of objects in {list_columns(table.lists)}: write each of these objects on a line"
            f" of its own, with {' and '.join(missing)} in it."
        )
    sentence = describe_missing(missing, table.names, table.preview, file.name)
    raise TransferProblem(f"This is {layout.name}: {layout.note}. {sentence}" if layout and layout.note else sentence)


def looks_like_a_date(name: str) -> bool:
    """Return whether a column may hold dates, by its name."""
    return re.search(r"date|created|(^|[_ ])(time|timestamp|at|on)$", name, re.IGNORECASE) is not None


def is_of_the_item(name: str) -> bool:
    """Return whether a date is rather that of an item than of its rating, by its name."""
    return re.search(r"release|publi|birth|year", name, re.IGNORECASE) is not None


def other_choices(mapped: Mapped, unused: Sequence[str], kinds: Sequence[str], file: str) -> Iterator[str]:
    """Describe the columns that may be what another one is taken for."""
    for name in unused:
        field = field_of(name) or ""
        if field in mapped.fields and any(field in FIELDS[kind] for kind in kinds):
            instead = shlex.quote(f"{field}={name}")
            yield f"{file}: {field} is taken from {mapped.fields[field]}; if {name} is meant: --column {instead}"


def unused_columns(table: Table, mapped: Mapped, kinds: Sequence[str]) -> list[str]:
    """Return the columns that no field comes from."""
    wanted = [field for kind in kinds for field in FIELDS[kind]]
    flags = mapped.fields.keys() - {field for fields in FIELDS.values() for field in fields}  # as genres may be
    used = {column for field, column in mapped.fields.items() if field in wanted or field in flags}
    used |= set(mapped.parts) if "ratings" in kinds else set()
    used |= {name.split(".")[0] for name in used}
    return [name for name in table.names if name and name not in used and "." not in name]


def titles_of(table: Table, mapped: Mapped) -> dict[str, str]:
    """Return the columns of titles and years, by which the catalogue's items are found."""
    title = mapped.fields.get("title") or next((name for name in table.names if field_of(name) == "title"), None)
    year = next((name for name in table.names if plain(name) in YEARS), None)
    return ({"title": title} if title else {}) | ({YEAR: year} if title and year else {})


def source_of(
    file: File,
    table: Table,
    mapped: Mapped,
    *,
    kind: str,
    layout: Layout | None,
    more: Mapping[str, str],
    notes: list[str],
) -> Source:
    """Describe the ratings or the items of a table, with some more columns."""
    extra = set(layout.columns) if layout and kind == "items" else set()  # genres as flags
    wanted = {name: column for name, column in mapped.fields.items() if name in FIELDS[kind] or name in extra}
    if kind == "ratings":
        wanted |= {PART + part: part for part in mapped.parts}
    described = describe_fields(wanted, mapped, kind)
    wanted |= more

    def batches() -> Iterator[Batch]:
        return (complete(batch, mapped, kind) for batch in table.read(wanted))

    category = mapped.fields.get("categories", "")
    return Source(
        kind,
        file.name,
        file.num_bytes,
        batches,
        is_film_list=kind == "items" and layout is not None and layout.name.startswith("MovieLens"),
        unrated=layout.unrated if layout else frozenset(),
        list_separator=" " if category.endswith(":token_seq") else layout.list_separator if layout else None,
        used=described,
        notes=notes,
    )


def describe_fields(wanted: Mapping[str, str], mapped: Mapped, kind: str) -> dict[str, str]:
    """Describe where each field comes from."""
    columns = {name: column for name, column in wanted.items() if not name.startswith(PART)}
    if kind == "items":
        return columns
    words = columns | {name: f"{constant!r} in each row" for name, constant in mapped.constants.items()}
    return words | ({"rated_at": ", ".join(mapped.parts)} if mapped.parts else {})


def complete(batch: Batch, mapped: Mapped, kind: str) -> Batch:
    """Add what is the same in each row, and the date that is in parts."""
    columns = {name: column for name, column in batch.columns.items() if not name.startswith(PART)}
    parts = [column for name, column in batch.columns.items() if name.startswith(PART)]
    if kind == "ratings":
        for name, constant in mapped.constants.items():
            columns[name] = pa.repeat(pa.scalar(constant), len(batch.lines))
    if parts:
        columns["rated_at"] = join_date(parts)
    return Batch(columns, batch.lines, batch.position, batch.refused, batch.originals)


def join_date(parts: Sequence[pa.Array]) -> pa.Array:
    """Write year, month, day and the time of day as one date."""
    texts = [compute.utf8_lpad(part.cast(pa.string()), 2, "0") for part in parts]
    day = compute.binary_join_element_wise(*texts[:3], "-")
    if len(texts) < 6:
        return day
    return compute.binary_join_element_wise(day, compute.binary_join_element_wise(*texts[3:], ":"), " ")
