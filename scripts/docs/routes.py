"""Every route of the API with the scope that a key needs for it."""

from collections import defaultdict

from app.keys.scopes import required_scope
from app.main import create_app
from app.settings import Settings
from scripts.docs.markdown import table


def tables() -> str:
    """Return a table of routes for each tag."""
    by_tag: dict[str, list[tuple[str, ...]]] = defaultdict(list)
    for path, operations in create_app(Settings(_env_file=None)).openapi()["paths"].items():
        for method, operation in operations.items():
            scope = required_scope(method.upper(), path)
            cells = (f"`{method.upper()} {path}`", operation["summary"], f"`{scope}`" if scope else "none")
            by_tag[operation["tags"][0]].append(cells)
    head = ("route", "what it does", "scope")
    return "\n\n".join(f"## {tag.capitalize()}\n\n{table(head, sorted(rows))}" for tag, rows in by_tag.items())
