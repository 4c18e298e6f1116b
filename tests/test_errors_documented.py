"""docs/errors.md lists every error of app/kit/errors.py. `python -m tests.test_errors_documented` prints its table."""

from collections.abc import Iterator
from pathlib import Path

from app.kit import errors
from app.kit.errors import PalateError

DOCUMENT = Path(__file__).parent.parent / "docs" / "errors.md"


def kinds(base: type[PalateError] = PalateError) -> Iterator[type[PalateError]]:
    """Return every error, however deep it is derived."""
    for kind in base.__subclasses__():
        if kind.__module__ == errors.__name__:
            yield kind
        yield from kinds(kind)


def rows() -> list[str]:
    listed = sorted(kinds(), key=lambda kind: (kind.status, kind.code()))
    return [f"| `{kind.code()}` | {kind.status} | {kind.title()} |" for kind in listed]


def test_every_error_is_documented_as_it_is() -> None:
    documented = [line for line in DOCUMENT.read_text().splitlines() if line.startswith("| `")]
    assert documented == rows()


if __name__ == "__main__":
    print("\n".join(rows()))  # noqa: T201
