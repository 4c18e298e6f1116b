"""Tables in Markdown."""

from collections.abc import Iterable, Sequence


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table with one line a row."""
    return "\n".join([line(head), "|" + "---|" * len(head), *(line(cells) for cells in rows)])


def line(cells: Sequence[str]) -> str:
    """Return a row; a bar inside a cell is escaped."""
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
