"""What the pictures are made of: a user's row, layers of neurons, synapses, the two outputs."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from itertools import product

from scripts.pictures.canvas import Canvas, Point

MIDDLE = 160.0  # where rows and layers are centred
CELL = 24.0  # of a row
RATED = "+ -+ +"  # the row of every picture: liked, not rated, disliked, liked, not rated, liked
HIDDEN = "+ ?? +"  # the same with half of its ratings hidden
SCORES = (0.7, 0.95, 0.25, 0.8, 0.4, 0.6)  # what comes out: the order of the list, 0..1
STARS = ("4.6", "4.4", "1.8", "4.3", "2.9", "4.1")
RADIUS = 9.0
OUTPUTS = 545.0
THIN = 0.7


def sheet(kind: str, tagline: str, height: int = 280) -> Canvas:
    """Begin the picture of a kind."""
    canvas = Canvas(height, f"{kind}: {tagline}")
    canvas.text(20, 32, kind, bold=True, size=18)
    canvas.text(780, 32, tagline, "soft", anchor="end")
    return canvas


def spread(middle: float, count: int, pitch: float) -> list[float]:
    """Return places at equal distances around a middle."""
    return [middle + (place - (count - 1) / 2) * pitch for place in range(count)]


def row(
    canvas: Canvas, x: float, marks: str = RATED, *, middle: float = MIDDLE, words: str = "a user's row"
) -> list[Point]:
    """Draw a row of ratings, an item a cell, around x; give the points where synapses begin."""
    places = spread(middle, len(marks), CELL)
    for y, mark in zip(places, marks, strict=True):
        cell(canvas, x, y, mark)
    canvas.text(x, places[-1] + 32, words, "soft", anchor="middle", size=12)
    return [(x + 13, y) for y in places]


def cell(canvas: Canvas, x: float, y: float, mark: str) -> None:
    """Draw a cell: liked (+), disliked (-), hidden (?), dropped (x) or not rated."""
    fill = {"+": "liked", "-": "disliked"}.get(mark, "empty")
    is_gone = mark in "?x"
    canvas.box(x - 13, y - 10, 26, 20, fill, "only" if is_gone else "wire", dashed=is_gone)
    shown = {"-": "\u2212", "x": "\u00d7"}.get(mark, mark)
    if mark != " ":
        canvas.text(x, y + 5, shown, "only" if is_gone else "mark", anchor="middle", bold=True)


def layer(
    canvas: Canvas, x: float, count: int, *, middle: float = MIDDLE, pitch: float = 28, gone: Collection[int] = ()
) -> list[Point]:
    """Draw neurons around x, those that are ``gone`` crossed out; give their centres."""
    centres = [(x, y) for y in spread(middle, count, pitch)]
    for place, centre in enumerate(centres):
        if place in gone:
            canvas.disc(centre, RADIUS, "empty", "only", dashed=True)
            canvas.text(x, centre[1] + 5, "\u00d7", "only", anchor="middle", bold=True)
        else:
            canvas.disc(centre, RADIUS, "neuron", "liked")
    return centres


def between(left: Sequence[Point], right: Sequence[Point]) -> Iterator[tuple[Point, Point]]:
    """Return every synapse between two layers, from edge to edge."""
    for (x1, y1), (x2, y2) in product(left, right):
        yield (x1, y1), (x2 - RADIUS, y2)


def after(neurons: Sequence[Point]) -> list[Point]:
    """Return the right edges of neurons."""
    return [(x + RADIUS, y) for x, y in neurons]


def outputs(
    canvas: Canvas,
    x: float = OUTPUTS,
    *,
    preference: Sequence[str] = (),
    rating: Sequence[str] = (),
    rating_is: str = "biases + output",
    middle: float = MIDDLE,
) -> tuple[list[Point], list[Point]]:
    """Draw both outputs from x on, with what each learns from; give the points where their synapses end."""
    upper, lower = middle - 53, middle + 53
    uppers, lowers = spread(upper, 6, 15), spread(lower, 6, 15)
    canvas.tiles(((x, y - 6, 44, 12) for y in uppers + lowers), "empty", "wire")
    canvas.tiles(((x + 2, y - 4, 40 * score, 8) for y, score in zip(uppers, SCORES, strict=True)), "list")
    for y, stars in zip(lowers, STARS, strict=True):
        canvas.text(x + 22, y + 4, stars, "stars", anchor="middle", size=10.5)
    output_box(canvas, x + 58, upper, "preference", "list", ["orders the list"], preference)
    output_box(canvas, x + 58, lower, "rating", "stars", [rating_is], rating)
    return [(x, y) for y in uppers], [(x, y) for y in lowers]


def output_box(
    canvas: Canvas, x: float, middle: float, name: str, colour: str, lines: Sequence[str], learning: Sequence[str]
) -> None:
    """Write what an output is called, what it is, and what it learns from."""
    y = middle + 5 - 7.5 * (len(lines) + len(learning))
    canvas.text(x, y, name, colour, bold=True)
    canvas.lines(x, y + 16, lines)
    canvas.lines(x, y + 16 + 15 * len(lines), learning, "only")


def read_out(canvas: Canvas, neurons: Sequence[Point], ends: tuple[list[Point], list[Point]]) -> None:
    """Draw the synapses from the last layer to both outputs."""
    for points in ends:
        canvas.wires(product(after(neurons), points), width=THIN)


def caption(canvas: Canvas, x: float, y: float, *lines: str, colour: str = "soft") -> None:
    """Write small lines around x."""
    canvas.lines(x, y, lines, colour, "middle")
