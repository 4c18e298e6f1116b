"""Pictures of the kinds in closed form, and of the blend."""

from __future__ import annotations

from itertools import product

from models.kinds.linear import LinearConfig
from models.kinds.lowrank import LowRankConfig
from scripts.pictures.canvas import Canvas, Point
from scripts.pictures.parts import MIDDLE, OUTPUTS, RATED, caption, layer, outputs, row, sheet, spread

PITCH = 15.0  # of the squares of a matrix, and of the outputs
LIST, STARS = MIDDLE - 53, MIDDLE + 53  # middles of the two outputs
GRADES = ("1", "0", ".2", ".8", "0", "1")


def linear() -> Canvas:
    """One matrix from liked and disliked to every item, both diagonals barred, and the way of the ratings."""
    canvas = sheet("linear", "one matrix from every rating to every other item, in closed form", 350)
    cells, left = row(canvas, 65), 215.0
    caption(canvas, left + 44, 53, "to every item")
    for middle, mark, colour in ((105, "+", "liked"), (203, "-", "disliked")):
        heights = spread(middle, 6, PITCH)
        lit = [i for i in range(6) if RATED[i] == mark]
        canvas.wires([(cells[i], (left - 22, heights[i])) for i in lit], colour, width=1.5)
        canvas.tiles([(left - 21, y - 6.5, 13, 13) for y in heights], "empty", "wire")
        canvas.tiles([(left - 21, heights[i] - 6.5, 13, 13) for i in lit], colour)
        canvas.text(left + 98, middle + 5, colour, "soft", size=12)
        weights(canvas, left, heights, lit)
        for i, y in enumerate(heights):
            canvas.text(left + PITCH * i + 6.5, y + 3.5, "0", "soft", anchor="middle", size=10)
    canvas.tiles([(left - 21, 252, 13, 13)], "soft")
    canvas.text(left + 98, 263, "constant 1", "soft", size=12)
    squares(canvas, [(left + PITCH * j, 252, strength(7, j)) for j in range(6)], "list")
    canvas.arrow((390, LIST), (OUTPUTS - 8, LIST), "list")
    caption(canvas, 460, LIST - 9, "sum of the lit rows")
    caption(canvas, 460, LIST + 18, "0: no item predicts itself")
    caption(canvas, 460, 190, "or one input an item,", "the rating's grade:", "validation users choose")
    outputs(
        canvas,
        preference=["one ridge solve"],
        rating=["alternating ridge solves,", "drawn to what raters say"],
        rating_is="biases + factors",
    )
    ratings(canvas, LinearConfig(num_items=1).num_factors)
    return canvas


def weights(canvas: Canvas, left: float, heights: list[float], lit: list[int]) -> None:
    """Draw the weights of six inputs to six items; those of an item to itself are empty, and some inputs are lit."""
    places = [(i, j) for i, j in product(range(6), range(6)) if i != j]
    canvas.tiles([(left + PITCH * j, heights[i] - 6.5, 13, 13) for i, j in places if i not in lit], "faint")
    squares(canvas, [(left + PITCH * j, heights[i] - 6.5, strength(i, j)) for i, j in places if i in lit], "list")
    canvas.tiles([(left + PITCH * i, heights[i] - 6.5, 13, 13) for i in range(6)], "paper", "wire")


def squares(canvas: Canvas, placed: list[tuple[float, float, float]], colour: str, size: float = 13) -> None:
    """Draw squares (x, y, strength): the stronger, the darker."""
    for shade in sorted({strength for _, _, strength in placed}):
        canvas.tiles([(x, y, size, size) for x, y, strength in placed if strength == shade], colour, opacity=shade)


def strength(i: int, j: int) -> float:
    """Make up how strong a weight is, .2 to 1."""
    return 0.2 + (i * 3 + j * j * 2) % 5 * 0.2


def ratings(canvas: Canvas, num_factors: int) -> None:
    """Draw the way from the row to the predicted ratings of the closed-form kinds, along the bottom."""
    canvas.path("M65 262V314H108", "stars", width=1.5, arrow=True)
    for x, width, words in (
        (112, 104, "less the biases"),
        (246, 88, "ridge solve"),
        (364, 88, f"{num_factors} factors"),
    ):
        canvas.box(x, 300, width, 28, "empty", "stars", corner=6)
        canvas.text(x + width / 2, 318, words, anchor="middle", size=12)
    canvas.arrow((216, 314), (242, 314), "stars")
    canvas.arrow((334, 314), (360, 314), "stars")
    canvas.path(f"M452 314H{OUTPUTS + 22:.0f}V268", "stars", width=1.5, arrow=True)


def lowrank() -> Canvas:
    """Cells with weights, a ridge solve that encodes, item factors that decode, and the way of the ratings."""
    canvas = sheet("lowrank", "item factors; a ridge solve over all cells encodes", 350)
    cells = row(canvas, 65)
    for (x, y), mark, grade in zip(cells, RATED, GRADES, strict=True):
        is_rated = mark != " "
        canvas.wires(
            [((x + 2, y), (x + 50, y)), ((x + 78, y), (x + 148, y))],
            "soft" if is_rated else "wire",
            width=2.5 if is_rated else 1,
            dashed=not is_rated,
        )
        canvas.text(x + 64, y + 4, grade, "ink" if is_rated else "soft", anchor="middle", size=12)
    caption(canvas, 142, 252, "grades")
    canvas.box(228, 88, 62, 144, "neuron", "liked", corner=8)
    for place, words in enumerate(("ridge", "solve")):
        canvas.text(259, 155 + 18 * place, words, anchor="middle", size=12)
    canvas.arrow((290, MIDDLE), (318, MIDDLE))
    code = layer(canvas, 334, 4)
    caption(canvas, 334, 252, "the code")
    factors(canvas, code)
    canvas.path("M462 58V48H259V82", "soft", width=1.5, arrow=True)
    caption(canvas, 350, 64, "the same factors encode")
    told = ["squares: rated cells", "weigh 1, all others little"]
    outputs(
        canvas,
        preference=told,
        rating=["alternating ridge solves,", "drawn to what raters say"],
        rating_is="biases + factors",
    )
    caption(
        canvas,
        452,
        200,
        "an epoch: all codes from",
        "the item factors, then the",
        "item factors from the codes",
        colour="only",
    )
    ratings(canvas, LowRankConfig(num_items=1).num_rating_factors)
    return canvas


def factors(canvas: Canvas, code: list[Point]) -> None:
    """Draw the item factors, a row for each output, and the products with the code."""
    heights = spread(LIST, 6, PITCH)
    placed = [(433 + PITCH * j, heights[i] - 6.5, strength(i, j)) for i, j in product(range(6), range(4))]
    squares(canvas, placed, "liked")
    for y in heights:
        canvas.arrow((496, y), (OUTPUTS - 3, y), "wire")
    canvas.wires(((x + 9, y), (430, LIST)) for x, y in code)
    caption(canvas, 462, LIST + 62, "item factors")


def hybrid() -> Canvas:
    """Three members, their standardised scores and their ratings, each added up with shares of its own."""
    canvas = sheet("hybrid", "members of other kinds, blended for each user", 290)
    cells = row(canvas, 65)
    for y, name, share, rating_share in (
        (88, "linear", 2.0, 0.8),
        (160, "lowrank", 4.0, 1.5),
        (232, "denoising", 1.2, 4.0),
    ):
        canvas.wires(((point, (168, y)) for point in cells), width=0.7)
        canvas.box(170, y - 27, 120, 54, "empty", "liked", corner=8)
        canvas.text(212, y + 4, name, anchor="middle", size=12, bold=True)
        ICONS[name](canvas, 268, y)
        canvas.path(f"M290 {y - 12}H346L452 {LIST:.0f}", "list", width=share)
        canvas.path(f"M290 {y + 16}H346L452 {STARS:.0f}", "stars", width=rating_share)
        canvas.box(302, y - 25, 38, 26, "paper", "list", corner=5)
        canvas.path(f"M306 {y - 5}c10 0 8 -15 15 -15s5 15 15 15", "list", width=1.5)
    for middle, colour in ((LIST, "list"), (STARS, "stars")):
        canvas.arrow((474, middle), (OUTPUTS - 8, middle), colour)
        canvas.disc((464, middle), 12, "paper", colour)
        canvas.text(464, middle + 5, "+", colour, anchor="middle", bold=True, size=16)
    caption(canvas, 347, 275, "each user's scores standardised")
    caption(canvas, 480, 74, "times its share")
    shares = ["shares chosen on", "the validation users"]
    outputs(canvas, preference=shares, rating=["with shares of their own"], rating_is="a weighted mean")
    return canvas


def matrix_icon(canvas: Canvas, x: float, y: float) -> None:
    """Draw a small matrix without its diagonal."""
    places = [(i, j) for i, j in product(range(3), range(3)) if i != j]
    squares(canvas, [(x - 14 + 10 * j, y - 14 + 10 * i, strength(i, j)) for i, j in places], "list", 8)


def factors_icon(canvas: Canvas, x: float, y: float) -> None:
    """Draw small factors."""
    places = product(range(3), range(2))
    squares(canvas, [(x - 9 + 10 * j, y - 14 + 10 * i, strength(i, j)) for i, j in places], "liked", 8)


def layer_icon(canvas: Canvas, x: float, y: float) -> None:
    """Draw a small layer between a row and an output."""
    rows = [[(x + dx, each) for each in spread(y, 3, 11)] for dx in (-13, 0, 13)]
    canvas.wires([*product(rows[0], rows[1]), *product(rows[1], rows[2])])
    for centre in rows[1]:
        canvas.disc(centre, 4, "neuron", "liked")


ICONS = {"linear": matrix_icon, "lowrank": factors_icon, "denoising": layer_icon}
