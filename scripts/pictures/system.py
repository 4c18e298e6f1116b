"""The picture of docs/explanation/architecture.md: two processes, one database, one folder."""

from __future__ import annotations

from scripts.pictures.canvas import Canvas

TOP, BOTTOM = 125.0, 285.0  # where the database and the model store are centred
MIDDLE = (TOP + BOTTOM) / 2
APPLICATION, API, STORAGE, WORKER = 87.0, 330.0, 605.0, 853.0  # centres from left to right


def architecture() -> Canvas:
    """Ratings go from the application to the API to the database to the worker, a model comes back by the store."""
    canvas = Canvas(345, "architecture: the API and the worker meet in the database and the model store", 940)
    canvas.text(20, 32, "architecture", bold=True, size=18)
    canvas.text(920, 32, "two processes, one database, one folder", "soft", anchor="end")
    node(canvas, APPLICATION, MIDDLE, "application", ["yours"], fill="empty")
    node(canvas, API, MIDDLE, "API", ["stores, answers"])
    node(canvas, STORAGE, TOP, "SQL database", ["ratings, history,", "runs, versions"], fill="empty")
    node(canvas, STORAGE, BOTTOM, "model store", ["a folder a version"], fill="empty")
    node(canvas, WORKER, MIDDLE, "worker", ["trains, publishes"])
    edges(canvas)
    return canvas


def edges(canvas: Canvas) -> None:
    """Draw what goes from where to where, with what it is."""
    edge(canvas, (154, MIDDLE - 12), (263, MIDDLE - 12), "POST ratings", (208, MIDDLE - 20))
    edge(canvas, (154, MIDDLE + 16), (263, MIDDLE + 16), "GET answers", (208, MIDDLE + 34))
    edge(canvas, (350, MIDDLE - 25), (538, TOP - 16), "group commit", (400, TOP + 4), colour="liked")
    edge(canvas, (538, TOP + 12), (398, MIDDLE - 16), "a user's ratings,", (484, MIDDLE - 6), colour="list")
    canvas.text(484, MIDDLE + 9, "the live version", "list", anchor="middle", size=12)
    edge(canvas, (672, TOP - 12), (835, MIDDLE - 25), "snapshot", (785, TOP + 12), colour="liked")
    edge(canvas, (786, MIDDLE - 14), (672, TOP + 16), "2. row, with", (722, MIDDLE - 6), colour="list")
    canvas.text(722, MIDDLE + 9, "the gate's verdict", "list", anchor="middle", size=12)
    edge(canvas, (835, MIDDLE + 25), (672, BOTTOM), "1. folder", (790, BOTTOM - 6), colour="list")
    edge(canvas, (538, BOTTOM), (350, MIDDLE + 25), "weights, verified", (420, BOTTOM + 2), colour="list")


def node(canvas: Canvas, x: float, y: float, name: str, lines: list[str], *, fill: str = "neuron") -> None:
    """Draw a process or a store around a point."""
    height = 34.0 + 15 * len(lines)
    canvas.box(x - 67, y - height / 2, 134, height, fill, "liked" if fill == "neuron" else "wire", corner=8)
    canvas.text(x, y - height / 2 + 21, name, anchor="middle", bold=True)
    canvas.lines(x, y - height / 2 + 38, lines, anchor="middle")


def edge(
    canvas: Canvas,
    start: tuple[float, float],
    end: tuple[float, float],
    words: str,
    at: tuple[float, float],
    *,
    colour: str = "soft",
) -> None:
    """Draw an arrow, and what goes along it."""
    canvas.arrow(start, end, colour)
    canvas.text(*at, words, colour, anchor="middle", size=12)
