"""Values of attributes as they are compared: each with its kind, because to Python `True`, 1 and 1.0 are the same."""

import re
from collections.abc import Iterator
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple

from app.kit.times import to_us

RFC_3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)", re.ASCII).fullmatch
SHORTEST_TIME = len("2026-11-23T10:15:00Z")


class KeyKind(StrEnum):
    """What compares with what."""

    TEXT = "text"  # by code point
    NUMBER = "number"
    FLAG = "flag"  # true or false
    MOMENT = "moment"  # RFC 3339 with a time zone, whichever; microseconds


class AttributeValue(NamedTuple):
    """A value with its kind."""

    kind: KeyKind
    value: str | bool | int | float


def key_of(value: str | float) -> AttributeValue:
    """Say how a value is compared: text that is a time of RFC 3339 as a moment."""
    match value:
        case bool():
            return AttributeValue(KeyKind.FLAG, value)
        case str():
            moment = moment_of(value)
            return AttributeValue(KeyKind.TEXT, value) if moment is None else AttributeValue(KeyKind.MOMENT, moment)
        case _:
            return AttributeValue(KeyKind.NUMBER, value)


def moment_of(text: str) -> int | None:
    """Read a time of RFC 3339 as microseconds since 1970; None if it is none."""
    if len(text) < SHORTEST_TIME or not RFC_3339(text):
        return None
    try:
        return to_us(datetime.fromisoformat(text.upper()))
    except (ValueError, OverflowError):
        return None


def keys_of(value: Any) -> Iterator[AttributeValue]:
    """Return the keys an item is found by: those of its attribute, or of each element if that is a list."""
    for each in value if isinstance(value, list) else (value,):
        if isinstance(each, str | int | float):
            key = key_of(each)
            yield key
            if key.kind is KeyKind.MOMENT:  # compares with other text too
                yield AttributeValue(KeyKind.TEXT, each)
