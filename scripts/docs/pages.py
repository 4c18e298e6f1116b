"""Which page of docs/reference/ holds what. Above its marker a page is written by hand, below it by the script."""

from collections.abc import Callable, Mapping
from pathlib import Path

from scripts.docs import commands, errors, python_api, routes, settings

REFERENCE = Path(__file__).parents[2] / "docs" / "reference"
MARKER = "<!-- Written by `python -m scripts.docs`: what is below is overwritten. -->"

PAGES: Mapping[str, Callable[[], str]] = {
    "settings.md": settings.tables,
    "commands.md": commands.sections,
    "errors.md": errors.listing,
    "http.md": routes.tables,
    "python/models.md": python_api.models,
    "python/kinds.md": python_api.kinds,
    "python/client.md": python_api.client,
}


def written(name: str) -> str:
    """Return a page as it should be: what was written by hand, then what the code says."""
    by_hand, marker, _ = (REFERENCE / name).read_text().partition(MARKER)
    if not marker:
        raise ValueError(f"docs/reference/{name} has no line {MARKER}")
    return f"{by_hand}{MARKER}\n\n{PAGES[name]().strip()}\n"
