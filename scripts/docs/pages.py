"""Which page holds what. Above its marker a page is written by hand, below it by the script."""

from collections.abc import Callable, Mapping
from pathlib import Path

from scripts.docs import commands, decisions, errors, python_api, routes, settings

DOCS = Path(__file__).parents[2] / "docs"
MARKER = "<!-- Written by `python -m scripts.docs`: what is below is overwritten. -->"

PAGES: Mapping[str, Callable[[], str]] = {
    "reference/settings.md": settings.tables,
    "reference/commands.md": commands.sections,
    "reference/errors.md": errors.listing,
    "reference/http.md": routes.tables,
    "reference/python/models.md": python_api.models,
    "reference/python/kinds.md": python_api.kinds,
    "reference/python/client.md": python_api.client,
    "decisions/index.md": decisions.listing,
}


def page_text(name: str) -> str:
    """Return a page as it should be: what was written by hand, then what the code says."""
    by_hand, marker, _ = (DOCS / name).read_text().partition(MARKER)
    if not marker:
        raise ValueError(f"docs/{name} has no line {MARKER}")
    return f"{by_hand}{MARKER}\n\n{PAGES[name]().strip()}\n"
