"""docs/reference/errors.md lists every error of app/kit/errors.py."""

from scripts.docs.errors import all_errors
from scripts.docs.pages import DOCS


def test_every_error_is_documented_as_it_is() -> None:
    documented = [line for line in (DOCS / "reference/errors.md").read_text().splitlines() if line.startswith("| `")]
    listed = sorted(all_errors(), key=lambda error: (error.status, error.code()))
    assert documented == [f"| `{error.code()}` | {error.status} | {error.title()} |" for error in listed]


def test_no_two_errors_have_one_code() -> None:
    codes = [error.code() for error in all_errors()]
    assert len(codes) == len(set(codes)) > 20
