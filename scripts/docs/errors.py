"""Every error of app/kit/errors.py: its code, its status and its meaning."""

from collections.abc import Iterator

from app.kit import errors
from app.kit.errors import PalateError
from scripts.docs.markdown import table


def listing() -> str:
    """Return the table, ordered by status."""
    listed = sorted(all_errors(), key=lambda error: (error.status, error.code()))
    rows = [(f"`{error.code()}`", str(error.status), error.title()) for error in listed]
    return table(("code: `/problems/CODE`", "status", "meaning"), rows)


def all_errors(base: type[PalateError] = PalateError) -> Iterator[type[PalateError]]:
    """Return every error, however deep it is derived."""
    for error in base.__subclasses__():
        if error.__module__ == errors.__name__:
            yield error
        yield from all_errors(error)
