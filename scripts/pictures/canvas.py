"""A sheet of SVG whose colours follow the reader's light or dark theme. Lengths are in pixels, y grows downwards."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from xml.sax.saxutils import escape, quoteattr

Point = tuple[float, float]

FONT = "system-ui,-apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif"
COLOURS = {  # what is drawn: its colour on a light and on a dark page
    "paper": ("#ffffff", "#0d1117"),
    "edge": ("#d0d7de", "#30363d"),
    "ink": ("#1f2328", "#e6edf3"),
    "soft": ("#59636e", "#9da7b3"),
    "wire": ("#afb8c1", "#484f58"),
    "faint": ("#e1e5ea", "#2a3038"),
    "empty": ("#f3f5f7", "#161b22"),
    "mark": ("#ffffff", "#ffffff"),  # on liked and disliked
    "liked": ("#0969da", "#316dca"),
    "disliked": ("#6e7781", "#656c76"),
    "neuron": ("#ddf4ff", "#12315c"),
    "list": ("#1a7f37", "#3fb950"),
    "stars": ("#8250df", "#bc8cff"),
    "only": ("#bc4c00", "#f0883e"),  # what is there only while the network learns
}


@dataclass
class Canvas:
    """A picture under way: its size, what it is called, and what has been drawn."""

    height: int
    title: str
    width: int = 800
    parts: list[str] = field(default_factory=list)

    def text(
        self,
        x: float,
        y: float,
        words: str,
        colour: str = "ink",
        *,
        anchor: str = "",
        size: float = 13,
        bold: bool = False,
    ) -> None:
        """Write words from (x, y) on, or so that they end ("end") or have their middle ("middle") there."""
        more = f' text-anchor="{anchor}"' if anchor else ""
        more += f' font-size="{number(size)}"' if size != 13 else ""
        more += ' font-weight="600"' if bold else ""
        self.parts.append(f'<text {at(x, y)} class="f-{colour}"{more}>{escape(words)}</text>')

    def lines(self, x: float, y: float, lines: Iterable[str], colour: str = "soft", anchor: str = "") -> None:
        """Write small lines below each other."""
        for place, words in enumerate(lines):
            self.text(x, y + 15 * place, words, colour, anchor=anchor, size=12)

    def box(
        self,
        x: float,
        y: float,
        width: float,
        height: float,
        fill: str,
        edge: str = "",
        *,
        corner: float = 3,
        dashed: bool = False,
    ) -> None:
        """Draw a rectangle from its upper left corner."""
        size = f'width="{number(width)}" height="{number(height)}" rx="{number(corner)}"'
        self.parts.append(f"<rect {at(x, y)} {size}{paint(fill, edge, dashed=dashed)}/>")

    def tiles(
        self, tiles: Iterable[tuple[float, float, float, float]], fill: str, edge: str = "", opacity: float = 1
    ) -> None:
        """Draw rectangles (x, y, width, height) that look the same as one path."""
        d = "".join(f"M{number(x)} {number(y)}h{number(w)}v{number(h)}h-{number(w)}z" for x, y, w, h in tiles)
        more = f' fill-opacity="{number(opacity)}"' if opacity < 1 else ""
        self.parts.append(f'<path d="{d}"{paint(fill, edge)}{more}/>')

    def disc(self, centre: Point, radius: float, fill: str, edge: str = "", *, dashed: bool = False) -> None:
        """Draw a circle."""
        x, y = (number(each) for each in centre)
        self.parts.append(f'<circle cx="{x}" cy="{y}" r="{number(radius)}"{paint(fill, edge, dashed=dashed)}/>')

    def path(
        self, d: str, edge: str, *, width: float = 1, dashed: bool = False, arrow: bool = False, fill: str = "none"
    ) -> None:
        """Draw a path, with a head at its end if it is an arrow."""
        more = f' stroke-width="{number(width)}"' if width != 1 else ""
        more += f' marker-end="url(#{edge})"' if arrow else ""
        self.parts.append(f'<path d="{d}"{paint(fill, edge, dashed=dashed)}{more}/>')

    def wires(
        self, pairs: Iterable[tuple[Point, Point]], edge: str = "wire", *, width: float = 1, dashed: bool = False
    ) -> None:
        """Draw straight lines as one path."""
        self.path("".join(f"M{xy(start)}L{xy(end)}" for start, end in pairs), edge, width=width, dashed=dashed)

    def arrow(self, start: Point, end: Point, edge: str = "soft", *, dashed: bool = False) -> None:
        """Draw a straight arrow."""
        self.path(f"M{xy(start)}L{xy(end)}", edge, width=1.5, arrow=True, dashed=dashed)

    def svg(self) -> str:
        """Return the whole picture."""
        drawn = "\n".join(self.parts)
        size = f'width="{self.width}" height="{self.height}" viewBox="0 0 {self.width} {self.height}"'
        frame = (
            f'<rect x=".5" y=".5" width="{self.width - 1}" height="{self.height - 1}" rx="8" class="f-paper s-edge"/>'
        )
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" font-family={quoteattr(FONT)} font-size="13">\n'
            f"<title>{escape(self.title)}</title>\n<style>{style(drawn)}</style>\n{heads(drawn)}{frame}\n{drawn}\n</svg>\n"
        )


def number(value: float) -> str:
    """Write a number as short as it is seen."""
    return f"{value:.1f}".removesuffix(".0")


def xy(point: Point) -> str:
    """Write a point of a path, in whole pixels."""
    return f"{point[0]:.0f} {point[1]:.0f}"


def at(x: float, y: float) -> str:
    """Write a place as attributes."""
    return f'x="{number(x)}" y="{number(y)}"'


def paint(fill: str, edge: str, *, dashed: bool = False) -> str:
    """Write colours as a class, and dashes."""
    names = [f"f-{fill}" if fill != "none" else "n", *([f"s-{edge}"] if edge else [])]
    return f' class="{" ".join(names)}"' + (' stroke-dasharray="3 3"' if dashed else "")


def heads(drawn: str) -> str:
    """Define the arrows' heads that are used, in the colours of their lines."""
    used = [colour for colour in COLOURS if f"url(#{colour})" in drawn]
    size = 'viewBox="0 0 8 8" refX="7" refY="4" markerWidth="6" markerHeight="6"'
    head = '<marker id="{0}" {1} orient="auto"><path d="M0 0L8 4L0 8z" class="f-{0}"/></marker>'
    markers = "".join(head.format(colour, size) for colour in used)
    return f"<defs>{markers}</defs>\n" if used else ""


def style(drawn: str) -> str:
    """Define the colours that are used, and those that a dark page has instead."""
    used = [
        colour for colour in COLOURS if colour in ("paper", "edge") or f"-{colour}" in drawn or f"#{colour})" in drawn
    ]
    light, dark = ("".join(rules(colour, COLOURS[colour][theme]) for colour in used) for theme in (0, 1))
    return f".n{{fill:none}}{light}@media(prefers-color-scheme:dark){{{dark}}}"


def rules(colour: str, value: str) -> str:
    """Write the classes of a colour: filled with it, or drawn with it."""
    return f".f-{colour}{{fill:{value}}}.s-{colour}{{stroke:{value}}}"
