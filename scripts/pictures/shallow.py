"""Pictures of the kinds with one sigmoid layer."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

from models.kinds.basic import BasicConfig
from models.kinds.sparse import SparseConfig
from scripts.pictures.canvas import Canvas, Point
from scripts.pictures.parts import (
    HIDDEN,
    RADIUS,
    after,
    between,
    caption,
    cell,
    layer,
    outputs,
    read_out,
    row,
    sheet,
    spread,
)

INPUT, CODE = 80.0, 320.0
SOFTMAX = ["softmax over all items"]
SQUARED = ["squared error where rated"]
Synapses = Sequence[tuple[int, int]]


def basic() -> Canvas:
    """One layer between a row and its reconstruction."""
    canvas = sheet("basic", "one hidden sigmoid layer, squared reconstruction error")
    unrated = f"{BasicConfig(num_items=1).unrated:.2g}".lstrip("0")
    neurons = network(
        canvas, row(canvas, INPUT), ["squared error: rated cells", f"weigh 1, all others {unrated}"], SQUARED
    )
    caption(canvas, neurons[0][0], 252, "sigmoid layer: the code")
    return canvas


def network(
    canvas: Canvas, cells: Sequence[Point], preference: Sequence[str], rating: Sequence[str], x: float = CODE
) -> list[Point]:
    """Draw a sigmoid layer around x, both outputs, and all synapses; give the neurons."""
    neurons = layer(canvas, x, 5)
    canvas.wires(between(cells, neurons))
    read_out(canvas, neurons, outputs(canvas, preference=preference, rating=rating))
    return neurons


def sparse() -> Canvas:
    """Dropped cells and neurons, pruned synapses, and the schedule of pruning."""
    canvas = sheet("sparse", "inputs and neurons drop out, four fifths of the synapses are pruned", 345)
    cells, neurons = row(canvas, INPUT, "x -+ x"), layer(canvas, CODE, 5, gone={3})
    upper, lower = outputs(canvas, preference=SOFTMAX, rating=SQUARED)
    synapses = [*between(cells, neurons), *((start, end) for end in upper + lower for start in after(neurons))]
    kept = {synapse for place, synapse in enumerate(synapses) if place * 2 % 5 == place // 5 % 5}
    canvas.wires((each for each in synapses if each not in kept), "faint")
    canvas.wires((each for each in synapses if each in kept), "soft", width=1.3)
    caption(canvas, INPUT, 267, "\u00d7 drops out", "for one step", colour="only")
    caption(canvas, 215, 267, "strong: kept, stored sparse", "faint: pruned for good")
    schedule(canvas, 350, 318)
    return canvas


def schedule(canvas: Canvas, x: float, y: float) -> None:
    """Draw the share of synapses that is pruned, over the epochs, from a corner on."""
    config, length, height = SparseConfig(num_items=1), 220, 50
    start, end = config.prune_from * length, config.prune_until * length
    top = config.pruned * height
    canvas.path(f"M{x} {y - height}V{y}H{x + length}", "soft")
    canvas.wires([((x + each, y), (x + each, y - 6)) for each in (start, end)], "soft")
    rise = f"c{(end - start) / 3:.0f} -{top:.0f} {(end - start) * 2 / 3:.0f} -{top:.0f} {end - start:.0f} -{top:.0f}"
    canvas.path(f"M{x} {y}h{start:.0f}{rise}H{x + length}", "only", width=2)
    canvas.text(x + 228, y - 36, f"{config.pruned:.0%} are pruned".replace("%", " %"), "only", size=12)
    for middle, words in ((start / 2, "fit"), ((start + end) / 2, "prune"), ((end + length) / 2, "fine-tune")):
        canvas.text(x + middle, y + 15, words, "soft", anchor="middle", size=12)


def denoising() -> Canvas:
    """A row half hidden and blurred, of which all is to be found again."""
    canvas = sheet("denoising", "half of a row is hidden, the rest blurred, and all of it to be found again")
    cells, seen = row(canvas, 65), row(canvas, 210, HIDDEN, words="what the encoder sees")
    for (x, y), mark in zip(cells, HIDDEN, strict=True):
        if mark == "?":
            canvas.path(f"M{x + 8} {y}H191", "only", dashed=True, arrow=True, width=1.5)
        elif mark != " ":
            canvas.path(f"M{x + 8} {y}q6 -10 12 0t12 0t12 0t12 0t12 0t12 0t12 0H191", "only", arrow=True, width=1.5)
    hidden = ["softmax over all items;", "hidden ones count too"]
    neurons = network(canvas, seen, hidden, ["squared error where rated,", "hidden or shown"], 370)
    caption(canvas, 137, 267, "? hidden, \u223f noise on the value", colour="only")
    caption(canvas, neurons[0][0], 252, "sigmoid layer")
    return canvas


def contractive() -> Canvas:
    """The whole row, and a penalty that makes codes hardly move."""
    canvas = sheet("contractive", "a penalty on how far the code moves when the row does", 345)
    neurons = network(canvas, row(canvas, INPUT), SOFTMAX, SQUARED)
    caption(canvas, neurons[0][0], 252, "sigmoid layer")
    dots = [(-17, -9), (13, -17), (19, 8), (-5, 18), (1, -1)]
    for x, size in ((INPUT, 1.0), (CODE, 0.3)):
        canvas.disc((x, 300), 32 * size, "none", "only", dashed=True)
        for dx, dy in dots:
            canvas.disc((x + dx * size, 300 + dy * size), 2.2, "liked")
    canvas.arrow((INPUT + 42, 300), (CODE - 22, 300))
    caption(canvas, 205, 292, "encode")
    caption(canvas, 205, 320, "rows that differ a little", "get almost the same code")
    canvas.text(375, 298, "loss + \u03bb \u00b7 \u2016\u2202 code / \u2202 row\u2016\u00b2", "only", bold=True)
    canvas.lines(
        375, 316, ["in closed form: for each neuron its slope squared,", "times the squares of its weights"], "only"
    )
    return canvas


def overcomplete() -> Canvas:
    """More neurons than items: what copying is, and why it does not pay."""
    canvas = sheet("more neurons than items", "why a wide layer does not just copy", 330)
    canvas.wires([((400, 60), (400, 262))], "edge")
    copied = [(0, 0), (1, 2), (2, 4), (3, 6)]
    half(canvas, 90, "+ -+", copied, copied)
    half(canvas, 490, "+?-+", [(0, 1), (0, 3), (3, 3), (3, 5), (2, 1)], [(1, 1), (1, 3), (1, 5)])
    caption(canvas, 200, 252, "free to copy: each item through a neuron", "of its own; no error, and nothing learned")
    caption(canvas, 600, 252, "a hidden rating cannot be copied: what goes", "together with it has to bring it back")
    caption(
        canvas,
        400,
        298,
        "denoising, stacked, deep and variational hide ratings, sparse drops them, contractive makes weights dear,",
        "linear has no weight from an item to itself; basic stops where the validation users' lists are best",
        colour="only",
    )
    return canvas


def half(canvas: Canvas, x: float, marks: str, first: Synapses, second: Synapses) -> None:
    """Draw four items, seven neurons and the items again; the named synapses (item, neuron) are strong."""
    heights, neurons = spread(148, 4, 34), layer(canvas, x + 110, 7, middle=148, pitch=26)
    for side, strong, shown in ((-1, first, marks), (1, second, marks.replace("?", "+"))):
        items = [(x + 110 + side * 97, y) for y in heights]
        near = [(neuron_x + side * RADIUS, y) for neuron_x, y in neurons]
        canvas.wires(product(items, near), "faint")
        canvas.wires(((items[item], near[neuron]) for item, neuron in strong), "list", width=2)
        for y, mark in zip(heights, shown, strict=True):
            cell(canvas, x + 110 + side * 110, y, mark)
