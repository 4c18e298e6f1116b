"""Values of attributes as they are compared: each with its kind, because to Python `True`, 1 and 1.0 are the same."""

import re
from collections.abc import Iterator
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple

from app.kit.times import to_us

RFC_3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)", re.ASCII).fullmatch
MIN_TIME_LENGTH = len("2026-11-23T10:15:00Z")


class ValueKind(StrEnum):
    """What compares with what."""

    TEXT = "text"  # by code point
    NUMBER = "number"
    FLAG = "flag"  # true or false
    MOMENT = "moment"  # RFC 3339 with a time zone, whichever; microseconds


class AttributeValue(NamedTuple):
    """A value with its kind."""

    kind: ValueKind
    value: str | bool | int | float

    @classmethod
    def of(cls, value: str | float) -> "AttributeValue":
        """Find the kind of a value: text that is a time of RFC 3339 is a moment."""
        match value:
            case bool():
                return cls(ValueKind.FLAG, value)
            case str():
                moment = parse_moment(value)
                return cls(ValueKind.TEXT, value) if moment is None else cls(ValueKind.MOMENT, moment)
            case _:
                return cls(ValueKind.NUMBER, value)


def parse_moment(text: str) -> int | None:
    """Read a time of RFC 3339 as microseconds since 1970; None if the text is not one."""
    if len(text) < MIN_TIME_LENGTH or not RFC_3339(text):
        return None
    try:
        return to_us(datetime.fromisoformat(text.upper()))
    except (ValueError, OverflowError):
        return None


def attribute_values(attribute: Any) -> Iterator[AttributeValue]:
    """Yield the values by which an item is found: that of its attribute, or one for each element if it is a list."""
    for each in attribute if isinstance(attribute, list) else (attribute,):
        if isinstance(each, str | int | float):
            value = AttributeValue.of(each)
            yield value
            if value.kind is ValueKind.MOMENT:  # compares with other text too
                yield AttributeValue(ValueKind.TEXT, each)
