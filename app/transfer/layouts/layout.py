"""What a known layout is: how a file of it is recognised, and which of its columns is which field."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

import pyarrow as pa


@dataclass(frozen=True, kw_only=True)
class Layout:
    """A file that many people have.

    Attributes:
        name: what it is, for the line that says so.
        columns: the names that its header has, all of them; of a file without a header, the names of its columns.
        fields: our field to its column.
        kind: `ratings` or `items`.
        line: a pattern of each of its lines, for a file without a header.
        separator: between columns, for a file without a header.
        quoted: whether quotes may stand around a cell.
        is_of_one_user: whether it names no user, as it is the user's own.
        unrated: the values that mean "not rated".
        note: what else to say.
        advice: what to do with it, where it cannot be imported.
        rewrite: turns its lines into lines of columns.
        melt: turns a table of its columns, and their lines, into columns of ours.
        list_separator: between categories; None is to be found out.
    """

    name: str
    columns: tuple[str, ...]
    fields: Mapping[str, str] = field(default_factory=dict)
    kind: str = "ratings"
    line: str = ""
    separator: bytes = b","
    quoted: bool = False
    is_of_one_user: bool = False
    unrated: frozenset[str] = frozenset()
    note: str = ""
    advice: str = ""
    rewrite: Callable[[Iterator[bytes]], Iterator[bytes]] | None = None
    melt: Callable[[list[pa.Array], list[int]], tuple[dict[str, pa.Array], list[int]]] | None = None
    list_separator: str | None = None
