"""How values of attributes compare."""

import pytest

from app.recommendations.request.attribute_values import AttributeValue


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("1970-01-01T00:00:01Z", 1_000_000),
        ("1970-01-01t00:00:00.5z", 500_000),
        ("1970-01-01 01:00:00+01:00", 0),
        ("1970-01-01T00:00:00", None),
        ("1970-13-01T00:00:00Z", None),
        ("1970-01-01", None),
    ],
)
def test_times_are_recognised_among_other_text(text: str, moment: int | None) -> None:
    key = AttributeValue.of(text)
    assert key.value == (text if moment is None else moment)
