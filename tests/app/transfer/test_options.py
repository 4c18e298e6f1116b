"""What the options of an import take, and what they say of anything else."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.transfer.options import Rescale, parse_options
from app.transfer.problems import TransferProblem

pytestmark = pytest.mark.unit


def test_options_are_read_as_people_write_them() -> None:
    options = parse_options(
        words=["up=5, down=1", '{"so, so": 3}'],
        columns="2,1,,4",
        rescale="-10:10",
        unrated="0, -1",
        timezone="-0330",
        user=" 7.0 ",
        value=" 4.5",
    )
    assert options.words == {"up": 5, "down": 1, "so, so": 3}
    assert options.positions == {"user_id": 2, "item_id": 1, "rated_at": 4}
    assert (options.rescale, options.unrated, options.user, options.value) == (
        Rescale(-10, 10),
        frozenset({"0", "-1"}),
        "7",
        4.5,
    )
    assert options.timezone is not None
    assert options.timezone.utcoffset(datetime.now(UTC)) == -timedelta(hours=3, minutes=30)


@pytest.mark.parametrize(
    ("options", "field", "said"),
    [
        ({"words": ["up"]}, "map", "write WORD=NUMBER"),
        ({"words": ["up=high"]}, "map", "write a number"),
        ({"words": ['{"up": 5']}, "map", "not valid JSON"),
        ({"words": ['{"up": "high"}']}, "map", "write a number"),
        ({"value": "1e999"}, "value", "write a number"),
        ({"rescale": "0-10"}, "rescale", "write MIN:MAX"),
        ({"rescale": "10:0"}, "rescale", "the second one larger"),
        ({"columns": "1,b"}, "columns", "write the places"),
        ({"columns": "1,2,3,4,5"}, "columns", "write the places"),
        ({"timezone": "Mars/Olympus"}, "timezone", "a name such as Europe/Berlin, or"),
        ({"timezone": "+25:00"}, "timezone", "a name such as Europe/Berlin, or"),
        ({"user": ""}, "user", "must not be empty"),
        ({"date_order": "day first"}, "date_order", "write dmy, mdy or ymd"),
        ({"max_refused": 2.0}, "max_refused", "a share between 0 and 1"),
        ({"column": ["who"]}, "column", "write FIELD=COLUMN"),
    ],
)
def test_an_option_that_cannot_be_is_named(options: dict[str, Any], field: str, said: str) -> None:
    with pytest.raises(TransferProblem, match=said) as found:
        parse_options(**options)
    assert found.value.field == field
