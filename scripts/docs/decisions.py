"""Every decision with its status."""

import re
from pathlib import Path

from scripts.docs.markdown import table

FOLDER = Path(__file__).parents[2] / "docs" / "decisions"


def listing() -> str:
    """Return the table, in the order of the numbers."""
    rows = [(f"[{title(page)}]({page.name})", status(page)) for page in sorted(FOLDER.glob("0*.md"))]
    return table(("decision", "status"), rows)


def title(page: Path) -> str:
    """Return a decision's heading, its number first."""
    return page.read_text().splitlines()[0].removeprefix("# ")


def status(page: Path) -> str:
    """Return a decision's status."""
    found = re.search(r"^## Status\n\n(\w+)", page.read_text(), flags=re.MULTILINE)
    if found is None:
        raise ValueError(f"{page} has no section Status")
    return found[1]
