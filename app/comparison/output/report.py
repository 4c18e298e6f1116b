"""The tables for a terminal and, with the plots, as a Markdown page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from app.comparison.output.tables import Cell, Sheet, sheets
from app.comparison.protocols import PROTOCOLS
from app.comparison.results import Results

EXPLANATIONS = {
    "unseen": "Test users are absent from training; 80 % of their ratings go in, the rest is to be predicted.",
    "ratings": "A random tenth of all users' ratings is hidden and predicted from the others.",
    "time": "Trained on the first 80 % of the ratings by date; users who are known by then are judged on what follows.",
}


def show(results: Results, console: Console, baseline: str | None) -> None:
    """Print the tables, and what failed."""
    for sheet in sheets(results, baseline):
        console.print(f"\n{sheet.title}", style="bold", markup=False, highlight=False)
        console.print(draw_table(sheet))
        console.print(sheet.note, style="dim", markup=False, highlight=False)
    for line in failures(results):
        console.print(line, style="red", markup=False)


def draw_table(sheet: Sheet) -> Table:
    """Lay a sheet out for the terminal."""
    table = Table(box=box.SIMPLE_HEAD)
    table.add_column("", no_wrap=True)
    for label in sheet.labels:
        table.add_column(label, justify="right")
    for name, cells in sheet.rows:
        table.add_row(Text(name), *(Text(cell.text, "bold" if cell.is_bold else "") for cell in cells))
    return table


def failures(results: Results) -> list[str]:
    """Describe the jobs that failed, and why."""
    return [
        f"{name}, {PROTOCOLS[protocol].title.lower()}, seed {test.seed}: {reason}"
        for name, by_protocol in results.failed.items()
        for protocol, reasons in by_protocol.items()
        for test, reason in zip(results.tests[protocol], reasons, strict=True)
        if reason
    ]


def markdown(results: Results, baseline: str | None, plots: Sequence[tuple[str, str]]) -> str:
    """Write the page: what was compared, the tables, the plots (file and caption), what failed."""
    return "\n\n".join(paragraphs(results, baseline, plots)) + "\n"


def paragraphs(results: Results, baseline: str | None, plots: Sequence[tuple[str, str]]) -> Iterator[str]:
    """Write the paragraphs of the page."""
    yield "# Comparison"
    yield "\n".join(facts(results))
    for sheet in sheets(results, baseline):
        yield f"## {sheet.title}"
        yield table(sheet)
        yield sheet.note
    for file, caption in plots:
        yield f"## {caption}"
        yield f"![{caption}]({file})"
    if lines := failures(results):
        yield "## Not measured"
        yield "\n".join(f"- {line}" for line in lines)


def facts(results: Results) -> Iterator[str]:
    """Write what was compared on what."""
    data, options = results.about["data"], results.about["options"]
    scale = data["scale"]
    yield (
        f"- {data['name']}: {data['ratings']:,} ratings by {data['users']:,} users of {data['items']:,} items, on a"
        f" scale of {scale['minimum']:g} to {scale['maximum']:g} in steps of {scale['step']:g}; from"
        f" {scale['like_threshold']:g} on they count as liked."
    )
    if data["refused_rows"]:
        yield f"- {data['refused_rows']:,} further rows were refused."
    yield (
        f"- At most {options['epochs']} epochs, the best one chosen on validation users; {options['batch_size']} users"
        f" a step, learning rate {options['learning_rate']:g}, patience {options['patience']}."
    )
    for protocol, tests in results.tests.items():
        seeds = ", ".join(str(test.seed) for test in tests)
        users = ", ".join(f"{len(test.users):,}" for test in tests)
        yield f"- {PROTOCOLS[protocol].title}: {EXPLANATIONS[protocol]} Seeds {seeds}; test users {users}."


def table(sheet: Sheet) -> str:
    """Write a table."""
    lines = [("", *sheet.labels), ("---", *("---:" for _ in sheet.labels))]
    lines += [(f"`{name}`", *(cell_text(cell) for cell in cells)) for name, cells in sheet.rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def cell_text(cell: Cell) -> str:
    """Write a cell."""
    return f"**{cell.text}**" if cell.is_bold else cell.text
