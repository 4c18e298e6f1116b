"""Which column of a file is which field: names that are in use, and the caller's own."""

from collections.abc import Mapping, Sequence

from app.transfer.problems import TransferProblem

SYNONYMS = {
    "user_id": ("user", "uid", "userid", "customerid"),
    "item_id": ("item", "iid", "itemid", "movieid", "productid"),
    "value": ("rating", "score", "stars"),
    "rated_at": ("timestamp", "time", "ts", "datetime"),
    "title": ("name",),
    "categories": ("genres", "category", "genre"),
    "active": (),
    "attributes": (),
    "available_from": (),
    "available_until": (),
}
RATING_FIELDS = ("user_id", "item_id", "value", "rated_at")
ITEM_FIELDS = ("item_id", "title", "categories", "active", "attributes", "available_from", "available_until")
MAX_LISTED, MAX_SHOWN = 20, 100  # columns in a message, and characters of each
FIELDS = {"ratings": RATING_FIELDS, "items": ITEM_FIELDS}
NEEDED = {"ratings": ("user_id", "item_id", "value"), "items": ("item_id",)}


def plain(name: str) -> str:
    """Write a name without case and separators."""
    return "".join(character for character in name.lower() if character.isalnum())


def parse_renames(pairs: Sequence[str]) -> dict[str, str]:
    """Read `--column user=uid` options: our field to the file's column.

    Raises:
        TransferProblem: if one is not of that form or names no field of ours.
    """
    renames = {}
    for pair in pairs:
        ours, separator, theirs = pair.partition("=")
        field = field_of(ours)
        if not separator or not theirs or field is None:
            known = ", ".join(SYNONYMS)
            raise TransferProblem(f"column {pair}: write FIELD=COLUMN, where FIELD is one of {known}.", "column")
        renames[field] = theirs
    return renames


MEANT = {name: field for field, others in SYNONYMS.items() for name in (plain(field), *others)}


def field_of(name: str) -> str | None:
    """Return the field that a column's name means."""
    return MEANT.get(plain(name))


def list_columns(names: Sequence[str]) -> str:
    """List the columns that are there, the first ones of many."""
    more = f" and {len(names) - MAX_LISTED} more" if len(names) > MAX_LISTED else ""
    return ", ".join(name[:MAX_SHOWN] for name in names[:MAX_LISTED]) + more


def map_columns(names: Sequence[str], renames: Mapping[str, str], file: str) -> dict[str, str]:
    """Find each field's column: the caller's choice, our own name, then the others in use.

    Raises:
        TransferProblem: if a column that the caller names is not there.
    """
    found: dict[str, str] = {}
    for field, column in renames.items():
        if column not in names:
            raise TransferProblem(f"{file} has no column {column!r}; it has {list_columns(names)}.", "column")
        found[field] = column
    for exact in (True, False):
        for name in names:
            meant = field_of(name)
            if meant and meant not in found and name not in found.values() and (not exact or name == meant):
                found[meant] = name
    return found


def kind_of(fields: Mapping[str, str]) -> str:
    """Return `ratings` or `items`, by the fields that are there."""
    return "ratings" if "user_id" in fields or "value" in fields else "items"


def check_fields(fields: Mapping[str, str], kind: str, names: Sequence[str], file: str) -> None:
    """Stop if a field that is needed has no column.

    Raises:
        TransferProblem: naming the field and the way out.
    """
    for field in NEEDED[kind]:
        if field not in fields:
            raise TransferProblem(
                f"{file} has no column for {field} (it has {list_columns(names)}): name it with"
                f" --column {field}=COLUMN, over HTTP with column={field}=COLUMN."
            )
