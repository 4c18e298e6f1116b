"""Pictures of the kinds with several layers."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations, pairwise, product

from models.kinds.variational import VariationalConfig
from scripts.pictures.canvas import Canvas, Point, xy
from scripts.pictures.parts import (
    HIDDEN,
    MIDDLE,
    OUTPUTS,
    after,
    between,
    caption,
    layer,
    outputs,
    read_out,
    row,
    sheet,
    spread,
)

SOFTMAX = ["softmax over all items"]
SQUARED = ["squared error where rated"]
TOP, BOTTOM = MIDDLE - 65, MIDDLE + 65


def stacked() -> Canvas:
    """Residual layers above a sigmoid layer, and the output fed in again."""
    canvas = sheet("stacked", "residual layers, each adding to the code of the layer below", 345)
    cells, neurons = row(canvas, 65, HIDDEN, words="half hidden"), layer(canvas, 165, 5)
    canvas.wires(between(cells, neurons))
    caption(canvas, 165, 252, "sigmoid layer")
    start = 190.0
    for _ in range(2):
        residual(canvas, start)
        start += 110
    canvas.arrow((start, MIDDLE), (start + 20, MIDDLE))
    code = layer(canvas, start + 35, 5)
    caption(canvas, 290, 252, "residual layers")
    caption(canvas, start + 35, 252, "the code")
    ends = outputs(canvas, preference=SOFTMAX, rating=SQUARED)
    read_out(canvas, code, ends)
    canvas.path(f"M{OUTPUTS + 22} 264V300H65V274", "only", width=1.5, dashed=True, arrow=True)
    caption(
        canvas,
        370,
        320,
        "dense re-feeding (off by default): the ratings of all items, fed in again, have to come out again",
        colour="only",
    )
    return canvas


def residual(canvas: Canvas, x: float) -> None:
    """Draw a residual layer from x on: what it adds, and the way round it."""
    canvas.arrow((x, MIDDLE), (x + 22, MIDDLE))
    canvas.box(x + 24, TOP + 15, 44, 100, "neuron", "liked", corner=8)
    for place, words in enumerate(("norm", "mix", "tanh")):
        canvas.text(x + 46, TOP + 45 + 24 * place, words, anchor="middle", size=12)
    canvas.arrow((x + 68, MIDDLE), (x + 80, MIDDLE))
    canvas.path(f"M{x + 6:.0f} {MIDDLE:.0f}V{TOP:.0f}H{x + 90:.0f}V{MIDDLE - 12:.0f}", "soft", width=1.5, arrow=True)
    canvas.disc((x + 90, MIDDLE), 9, "paper", "soft")
    canvas.text(x + 90, MIDDLE + 5, "+", "soft", anchor="middle", bold=True)


def deep() -> Canvas:
    """Two machines taught one after the other, and what they are unrolled to."""
    canvas = sheet("deep", "restricted Boltzmann machines taught layer by layer, unrolled, fine-tuned", 300)
    for x, words in ((20, "1  teach a machine"), (195, "2  the next, on it"), (345, "3  unroll, fine-tune as a whole")):
        canvas.text(x, 68, words, "only", size=12, bold=True)
    canvas.wires([((180, 58), (180, 284)), ((330, 58), (330, 284))], "edge")
    canvas.text(52, 86, "CD-k", "only", anchor="middle", size=12)
    machine(canvas, row(canvas, 52), layer(canvas, 140, 5), "W\u2081")
    below = layer(canvas, 215, 5)
    machine(canvas, after(below), layer(canvas, 295, 5), "W\u2082")
    caption(canvas, 255, 252, "probabilities", "of the units of 1")
    layers = [layer(canvas, x, 5) for x in (430, 478, 526)]
    canvas.wires(between(row(canvas, 370, HIDDEN, words="half hidden"), layers[0]))
    for left, right in pairwise(layers):
        canvas.wires(between(after(left), right))
    read_out(canvas, layers[-1], outputs(canvas, 590, preference=["softmax"], rating=["squared error"]))
    for x, words in ((406, "W\u2081"), (454, "W\u2082"), (502, "W\u2082\u1d40"), (562, "W\u2081\u1d40")):
        canvas.text(x, 287, words, "soft", anchor="middle", size=12)
    return canvas


def machine(canvas: Canvas, visible: Sequence[Point], hidden: Sequence[Point], words: str) -> None:
    """Draw the synapses of a machine, which go both ways."""
    canvas.wires(between(visible, hidden))
    left, right = visible[0][0] + 4, hidden[0][0] - 12
    canvas.path(f"M{right:.0f} 86H{left + 6:.0f}", "only", width=1.5, arrow=True)
    canvas.path(f"M{left:.0f} 80H{right:.0f}", "only", width=1.5, arrow=True)
    canvas.text((left + right) / 2, 287, words, "soft", anchor="middle", size=12)


def variational() -> Canvas:
    """Dense layers, a distribution instead of a code, the prior, and the turns of training."""
    canvas = sheet("variational", "a deep encoder says where a user is and how sure that is", 375)
    config = VariationalConfig(num_items=1)
    cells, bars = row(canvas, 65, HIDDEN, words="half hidden"), spread(215, config.num_layers, 40)
    canvas.wires(product(cells, [(bars[0] - 7, y) for y in (MIDDLE - 40, MIDDLE, MIDDLE + 40)]))
    for x in bars:
        canvas.box(x - 7, TOP, 14, 130, "neuron", "liked", corner=7)
    for left, right in combinations(bars, 2):
        if right - left > 40:
            width, height = right - left, (right - left) / 4
            canvas.path(f"M{xy((left, TOP))}c0 -{height:.0f} {width:.0f} -{height:.0f} {width:.0f} 0", "soft")
        else:
            canvas.arrow((left + 7, MIDDLE), (right - 8, MIDDLE))
    caption(canvas, 220, 252, f"{config.num_layers} dense layers (swish, norm.)")
    canvas.arrow((302, MIDDLE), (326, MIDDLE))
    bell(canvas, 375, MIDDLE + 28, 16, 56, "liked")
    canvas.path(f"M330 {MIDDLE + 28:.0f}H420", "soft")
    canvas.wires([((375, MIDDLE + 28), (375, MIDDLE - 36))], "soft", dashed=True)
    caption(canvas, 375, MIDDLE - 48, "mean: served")
    canvas.disc((390, MIDDLE + 28), 4, "only")
    caption(canvas, 375, MIDDLE + 50, "\u25cf drawn: taught", colour="only")
    canvas.arrow((420, MIDDLE), (440, MIDDLE))
    code = layer(canvas, 455, 4)
    caption(canvas, 455, 252, "the code")
    read_out(canvas, code, outputs(canvas, preference=SOFTMAX, rating=SQUARED))
    prior(canvas, 60, 340, config)
    turns = [
        f"an epoch: passes that teach the encoder ({config.encoder_passes}: rows",
        "half hidden, the prior pulls), then those that teach",
        f"the outputs ({config.decoder_passes}: whole rows); the rest stands still",
    ]
    canvas.lines(412, 295, turns, "only")
    return canvas


def prior(canvas: Canvas, x: float, y: float, config: VariationalConfig) -> None:
    """Draw the three parts of the prior on one line."""
    canvas.path(f"M{x - 35:.0f} {y:.0f}h370", "soft")
    bell(canvas, x + 60, y, 22, 30, "only")
    bell(canvas, x + 200, y, 14, 56, "only")
    canvas.path(f"M{xy((x - 35, y - 5))}c115 -7 255 -7 370 0", "only", dashed=True)
    near, old, wide = (f"{weight:.2g}".lstrip("0") for weight in config.prior_weights)
    caption(canvas, x + 50, y + 17, f"near 0 ({near})")
    caption(canvas, x + 200, y + 17, f"where they were an epoch ago ({old})")
    caption(canvas, x + 284, y - 24, f"anywhere ({wide})")
    canvas.text(x - 40, y - 45, "prior", "only", bold=True)


def bell(canvas: Canvas, x: float, y: float, width: float, height: float, colour: str) -> None:
    """Draw a normal distribution over a line."""
    wide, turn = 2.6 * width, 1.6 * width
    up = f"c{turn:.0f} 0 {turn:.0f} -{height:.0f} {wide:.0f} -{height:.0f}"
    canvas.path(f"M{xy((x - wide, y))}{up}s{width:.0f} {height:.0f} {wide:.0f} {height:.0f}", colour, width=1.5)
