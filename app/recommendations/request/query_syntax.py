"""Conditions as a query writes them: `year:gte:1990`, `country:in:FR,DE`, `released:lte:2026-01-01T00:00:00Z`."""

import re
from collections.abc import Callable
from typing import Any, NamedTuple

import orjson

CONDITION = re.compile(r'("(?:[^"\\]|\\.)*"|[^:"][^:]*):(eq|in|gte|lte):(.*)', re.DOTALL).fullmatch
BOOST_SYNTAX = "write FACTOR:item:ID, FACTOR:category:NAME or FACTOR:attribute:NAME:OP:VALUE"
CONDITION_SYNTAX = "write NAME:OP:VALUE, where OP is eq, in, gte or lte, such as year:gte:1990"


def read_condition(text: str) -> Any:
    """Read one condition as the JSON object of a body; a JSON object stays as it is.

    Raises:
        ValueError: with the syntax, if it cannot be read.
    """
    if text.startswith("{"):
        return read_json(text)
    match = CONDITION(text)
    if match is None:
        raise ValueError(CONDITION_SYNTAX)
    name, operator, value = match.groups()
    return {"name": read_value(name), operator: read_list(value) if operator == "in" else read_value(value)}


def read_json(text: str) -> Any:
    """Read JSON.

    Raises:
        ValueError: if it is not JSON.
    """
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        raise ValueError("starts like JSON and is none") from None


def read_value(text: str) -> Any:
    """Read a value: a JSON number, `true`, `false` or text in quotes as JSON; anything else is text."""
    if text[:1] not in '"-0123456789tf':
        return text
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return text


def read_list(text: str) -> Any:
    """Read values separated by commas, or a JSON list if values contain commas themselves."""
    return read_json(text) if text.startswith("[") else [read_value(each) for each in text.split(",")]


def read_boost(text: str) -> Any:
    """Read one boost: `1.5:category:Drama`, `0.5:item:ID`, `2:attribute:year:gte:1990`, or the object of a body.

    Raises:
        ValueError: with the syntax, if it cannot be read.
    """
    if text.startswith("{"):
        return read_json(text)
    factor, _, rest = text.partition(":")
    target, colon, value = rest.partition(":")
    if not colon or target not in BOOST_TARGETS:
        raise ValueError(BOOST_SYNTAX)
    field, read = BOOST_TARGETS[target]
    return {"factor": read_value(factor), field: [read(value)]}


def read_pin(text: str) -> Any:
    """Read one pin: an item's id, or the object of a body.

    Raises:
        ValueError: if it starts like an object and is not JSON.
    """
    return read_json(text) if text.startswith("{") else {"item_id": text}


BOOST_TARGETS: dict[str, tuple[str, Callable[[str], Any]]] = {
    "item": ("item_id", str),
    "category": ("category", str),
    "attribute": ("attribute", read_condition),
}


class QueryForm(NamedTuple):
    """How a query writes what a body writes as an object."""

    read: Callable[[str], Any]
    how: str
    example: str


FORMS = {
    "attribute": QueryForm(read_condition, "`NAME:OP:VALUE`, where OP is `eq`, `in`, `gte` or `lte`.", "year:gte:1990"),
    "boost": QueryForm(
        read_boost,
        "`FACTOR:item:ID`, `FACTOR:category:NAME` or `FACTOR:attribute:NAME:OP:VALUE`.",
        "1.5:category:Sci-Fi",
    ),
    "pin": QueryForm(read_pin, "An item's id, or the object of a body.", "blade-runner-1982"),
}
