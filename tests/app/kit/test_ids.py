"""An id is the same whatever wrote it, and a wrong one is refused in words about text."""

from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from app.kit.ids import ExternalId

IDS: TypeAdapter[str] = TypeAdapter(ExternalId)


@pytest.mark.parametrize("value", [7, 7.0, "7", "7.0", " 7 ", "7.00"])
def test_a_whole_number_is_one_id_however_it_is_written(value: Any) -> None:
    assert IDS.validate_python(value) == "7"


@pytest.mark.parametrize("text", ["007x", " a ", "7.5", "7e0", "7,0", "+7"])
def test_other_text_is_left_as_it_is(text: str) -> None:
    assert IDS.validate_python(text) == text


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("x" * 256, "at most 255 characters"),
        ("", "at least 1 character"),
        (7.5, "valid string"),
        (True, "valid string"),
        ("a\0", "NUL"),
    ],
)
def test_what_is_no_id_is_refused(value: Any, problem: str) -> None:
    with pytest.raises(ValidationError, match=problem):
        IDS.validate_python(value)
