"""Which column of a file is which field: the caller's choice, a known layout's, and names that are in use."""

import re
from collections.abc import Iterable, Mapping, Sequence

from app.transfer.layouts.layout import Layout
from app.transfer.layouts.names import SYNONYMS, plain, plain_atomic
from app.transfer.options import Options
from app.transfer.problems import TransferProblem

RATING_FIELDS = ("user_id", "item_id", "value", "rated_at")
ITEM_FIELDS = ("item_id", "title", "categories", "active", "attributes", "available_from", "available_until")
MAX_LISTED, MAX_SHOWN = 20, 100  # columns in a message, and characters of each
FIELDS = {"ratings": RATING_FIELDS, "items": ITEM_FIELDS}
NEEDED = {"ratings": ("user_id", "item_id", "value"), "items": ("item_id",)}
DATE_PARTS = (
    ("date_year", "date_month", "date_day", "date_hour", "date_minute", "date_second"),
    ("year", "month", "day"),
)


def list_columns(names: Sequence[str]) -> str:
    """List the columns that are there, the first ones of many."""
    more = f" and {len(names) - MAX_LISTED} more" if len(names) > MAX_LISTED else ""
    return ", ".join(name[:MAX_SHOWN] for name in names[:MAX_LISTED]) + more


def map_columns(names: Sequence[str], options: Options, layout: Layout | None, file: str) -> dict[str, str]:
    """Find each field's column: the caller's choice, a known layout's, our own name, then the others in use.

    Raises:
        TransferProblem: if a column that the caller names is not there.
    """
    found = chosen_columns(names, options, file)
    known = {plain_atomic(name): name for name in names}
    for field, column in layout.fields.items() if layout else ():
        if field not in found and column in known and known[column] not in found.values():
            found[field] = known[column]
    if options.positions:
        return found
    for field, others in SYNONYMS.items():
        if layout and (field != "rated_at" or layout.kind == "items"):  # a date may be added to a known file
            continue
        for wanted in (field, plain(field), *others):
            there = [name for name in names if wanted in (name, plain(name)) and name not in found.values()]
            if there and field not in found:
                found[field] = there[0]
    return found


def chosen_columns(names: Sequence[str], options: Options, file: str) -> dict[str, str]:
    """Return the columns that the caller names, or numbers."""
    found: dict[str, str] = {}
    for field, column in options.renames.items():
        if column not in names:
            raise TransferProblem(f"{file} has no column {column!r}; it has {list_columns(names)}.", "column")
        found[field] = column
    for field, place in options.positions.items():
        if place > len(names):
            raise TransferProblem(f"{file} has {len(names)} columns, none is number {place}.", "columns")
        found.setdefault(field, names[place - 1])
    return found


def date_parts(names: Sequence[str]) -> tuple[str, ...]:
    """Return the columns that make up a date: year, month, day, and the time of day if it is there."""
    for parts in DATE_PARTS:
        if set(parts[:3]) <= set(names):
            return tuple(part for part in parts if part in names)
    return ()


def kind_of(fields: Mapping[str, str]) -> str:
    """Return `ratings` or `items`, by the fields that are there: a date alone is that of a rating."""
    there = set(fields)
    is_items = "item_id" in there and there & set(ITEM_FIELDS[1:]) and not there & {"user_id", "value", "rated_at"}
    return "items" if is_items else "ratings"


def missing_fields(kind: str, there: Iterable[str]) -> list[str]:
    """Return the fields that are needed and not there."""
    return [field for field in NEEDED[kind] if field not in set(there)]


def describe_missing(missing: Sequence[str], names: Sequence[str], preview: Sequence[str], file: str) -> str:
    """Describe which columns are missing, the first rows, and the ways out."""
    listed = ", ".join(missing[:-1]) + (" and " if len(missing) > 1 else "") + missing[-1]
    given = " ".join(f"--column {field}=COLUMN" for field in missing)
    ways = [f"{file} has no column for {listed} (it has {list_columns(names)}): name it with {given}"]
    if looks_like_a_row(names):
        ways.append("--no-header --columns 1,2,3,4 if there is no header (the places of user, item, value and date)")
    if "user_id" in missing:
        ways.append("--user NAME if all of it is one user's; or --kind items if its rows are items, not ratings")
    if "value" in missing:
        ways.append("--value NUMBER if each row stands for the same rating (a like, a play)")
    rows = "".join(f"\n  {row[: 2 * MAX_SHOWN]}" for row in preview)
    return "; or ".join(ways) + "." + (f" Its first rows:{rows}" if rows else "")


def looks_like_a_row(names: Sequence[str]) -> bool:
    """Return whether a header may be none: a column's name is a number."""
    return any(re.fullmatch(r"-?\d+([.,]\d+)?", name.strip()) for name in names)
