"""The client that waits for its answers, made from the one whose answers are awaited."""

import re
import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

from unasync import Rule, unasync_files

from scripts.client.formatting import HEADER, PACKAGE, format_file

METHODS = {"_async": "_sync", "aclose": "close", "aclosing": "closing", "aiter_bytes": "iter_bytes", "aread": "read"}


def sync_files() -> dict[str, str]:
    """Return the text of the files of `_sync` by their names in the package."""
    with TemporaryDirectory() as folder:
        copy = Path(shutil.copytree(PACKAGE / "_async", f"{folder}/_async"))
        sources = sorted(copy.glob("*.py"))
        unasync_files(map(str, sources), [Rule("/_async/", "/_sync/", METHODS | plain_names(sources))])
        return {f"_sync/{path.name}": sync_file(path) for path in Path(folder, "_sync").iterdir()}


def plain_names(sources: list[Path]) -> dict[str, str]:
    """Return what every name that says async becomes: `AsyncClient` is `Client`, `async_sleep` is `sleep`."""
    names = {name for source in sources for name in re.findall(r"\b(?:Async[A-Z]|async_)\w+", source.read_text())}
    return {name: re.sub("^(Async|async_)", "", name) for name in names}


def sync_file(path: Path) -> str:
    """Return the text of a file, whose results are there at once."""
    name = f"_sync/{path.name}"
    text = path.read_text().replace("Awaitable[T]", "T")
    return format_file(name, HEADER.format(source=f"_async/{path.name}") + text)
