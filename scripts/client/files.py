"""The generated files of the Python client, and which of them are stale."""

from scripts.client.formatting import PACKAGE
from scripts.client.sync import sync_files
from scripts.client.types import type_files


def stale_files() -> dict[str, str]:
    """Return what the generated files should be, by their names in the package, where they are something else."""
    files = sync_files() | type_files()
    return {name: text for name, text in files.items() if read(name) != text}


def read(name: str) -> str | None:
    """Return the text of a file of the package; None: there is none."""
    path = PACKAGE / name
    return path.read_text() if path.exists() else None
