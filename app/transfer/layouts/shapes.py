"""Layouts without a header, known by the shape of their first lines."""

import re
from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa

from app.transfer.layouts.layout import Layout

MAX_LINES = 50  # that are looked at
GENRES = (  # the flags at the end of a line of u.item
    "unknown", "Action", "Adventure", "Animation", "Children's", "Comedy", "Crime", "Documentary", "Drama", "Fantasy",
    "Film-Noir", "Horror", "Musical", "Mystery", "Romance", "Sci-Fi", "Thriller", "War", "Western",
)  # fmt: skip
RATING_NAMES = ("user_id", "item_id", "value", "rated_at")
ITEM_NAMES = ("item_id", "title", "categories")
AMAZON_USER, ASIN, STARS, SECOND = "A[0-9A-Z]{10,20}", "[0-9A-Z]{10}", r"[1-5](\.\d)?", r"\d{9,10}"
CELL = r'("([^"]|"")*"|[^,"]*)'
JESTER = r"(-?\d+(\.\d+)?)?"
NONE_RATED = 99.0


def same(*names: str) -> dict[str, str]:
    """Map fields to columns of the same names."""
    return {name: name for name in names}


def prefix_blocks(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Write the film of a block, `1:` on a line of its own, before each of its lines; that line is then empty."""
    rest, film = b"", b""
    for piece in pieces:
        lines = (rest + piece).split(b"\n")
        rest = lines.pop()
        data, film = prefix_lines(lines, film)
        yield data
    yield prefix_lines([rest], film)[0]


def prefix_lines(lines: list[bytes], film: bytes) -> tuple[bytes, bytes]:
    """Write the film before each line, and return the last film."""
    done = []
    for line in lines:
        if line.rstrip(b"\r").endswith(b":"):
            film = line.rstrip(b":\r") + b","
            line = b""
        done.append(film + line if line else line)
    return b"\n".join(done) + b"\n", film


def melt_matrix(columns: list[pa.Array], lines: list[int]) -> tuple[dict[str, pa.Array], list[int]]:
    """Return the cells of Jester's matrix that hold a rating: users are lines, items are columns."""
    values = np.column_stack(
        [pa.compute.if_else(pa.compute.equal(c, ""), "99", c).cast(pa.float64()) for c in columns[1:]]
    )
    rows, items = np.nonzero(values != NONE_RATED)
    numbers = np.asarray(lines)[rows]
    table = {
        "user_id": pa.array(numbers), "item_id": pa.array(items + 1), "value": pa.array(values[rows, items]),
    }  # fmt: skip
    return table, numbers.tolist()


# fmt: off
SHAPES = (
    Layout(
        name="MovieLens or MovieTweetings ratings", columns=RATING_NAMES, fields=same(*RATING_NAMES),
        line=r"[^:]+::[^:]+::-?[\d.]+::\d+", separator=b"::",
    ),
    Layout(
        name="MovieLens or MovieTweetings films", columns=ITEM_NAMES, fields=same(*ITEM_NAMES), kind="items",
        line=r"\w+::((?!::).)*::((?!::).)*", separator=b"::",
    ),
    Layout(
        name="MovieLens 100K ratings", columns=RATING_NAMES, fields=same(*RATING_NAMES),
        line=r"\d+\t\d+\t[1-5](\.\d)?\t\d{9,10}", separator=b"\t",
    ),
    Layout(
        name="MovieLens 100K films", columns=("item_id", "title", "released", "video", "url", *GENRES),
        fields=same("item_id", "title", *GENRES), kind="items",
        line=r"\d+\|[^|]*\|[^|]*\|[^|]*\|[^|]*(\|[01]){19}", separator=b"|",
    ),
    Layout(
        name="Netflix prize ratings", columns=("item_id", "user_id", "value", "rated_at"),
        fields=same(*RATING_NAMES), line=r"\d+:|\d+,[1-5],\d{4}-\d\d-\d\d", rewrite=prefix_blocks,
    ),
    Layout(
        name="Amazon ratings (2018)", columns=("item_id", "user_id", "value", "rated_at"), fields=same(*RATING_NAMES),
        line=f"{ASIN},{AMAZON_USER},{STARS},{SECOND}",
    ),
    Layout(
        name="Amazon ratings (before 2018)", columns=RATING_NAMES, fields=same(*RATING_NAMES),
        line=f"{AMAZON_USER},{ASIN},{STARS},{SECOND}",
    ),
    Layout(
        name="Steam games owned and played", columns=("user", "game", "behavior", "hours", "zero"),
        fields={"user_id": "user", "item_id": "game"}, quoted=True, line=rf"\d+,{CELL},(purchase|play),[\d.]+,0",
        note="it holds hours, not ratings: --value NUMBER, or"
        " --column value=behavior --map purchase=NUMBER,play=NUMBER",
    ),
    Layout(
        name="Last.fm plays (360K)", columns=("user", "artist_mbid", "artist", "plays"), separator=b"\t",
        fields={"user_id": "user", "item_id": "artist"}, line=r"[0-9a-f]{40}\t[0-9a-f-]*\t[^\t]*\t *\d+",
        note="it holds counts, not ratings: --value NUMBER takes each row as that rating; items are artists' names,"
        " as some have no id",
    ),
    Layout(
        name="Last.fm events (1K)", columns=("user", "time", "artist_mbid", "artist", "track_mbid", "track"),
        fields={"user_id": "user", "item_id": "artist", "rated_at": "time"}, separator=b"\t",
        line=r"user_\d+\t\d{4}-\d\d-\d\dT[\d:]+Z(\t[^\t]*){4}",
        note="it holds events, not ratings: --value NUMBER takes each row as that rating; items are artists' names",
    ),
)
# fmt: on


def find_by_shape(lines: Sequence[str]) -> Layout | None:
    """Return the layout whose pattern all of the first lines have."""
    lines = [line.rstrip("\r") for line in lines if line.strip()][:MAX_LINES]
    if not lines:
        return None
    for layout in SHAPES:
        if all(map(re.compile(layout.line).fullmatch, lines)):
            return None if layout.rewrite and not lines[0].endswith(":") else layout
    return jester(lines)


def jester(lines: Sequence[str]) -> Layout | None:
    """Return the layout of a matrix: how many jokes a user rated, then a rating of each, 99 where there is none."""
    separator = ";" if ";" in lines[0] else ","
    rows = [line.split(separator) for line in lines]
    size = len(rows[0])
    try:
        cells = [[float(cell or NONE_RATED) for cell in row] for row in rows]
    except ValueError:
        return None
    is_one = size > 3 and all(
        len(row) == size and 0 <= row[0] < size and all(abs(cell) <= 10 or cell == NONE_RATED for cell in row[1:])
        for row in cells
    )
    if not is_one or not any(NONE_RATED in row[1:] for row in cells):
        return None
    return Layout(
        name="Jester ratings, a matrix", columns=tuple(str(n) for n in range(size)), separator=separator.encode(),
        fields=same("user_id", "item_id", "value"), melt=melt_matrix,
        note="users are the numbers of lines, items those of columns, 99 is not rated",
    )  # fmt: skip
