"""Filters and rules as callers write them: JSON objects in a body, short text in a query (query_syntax.py)."""

import math
from collections import Counter
from typing import Annotated, Any, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    WithJsonSchema,
    field_validator,
    model_validator,
)

from app.kit.ids import ExternalId, storable
from app.recommendations.request.attribute_values import AttributeValue, ValueKind
from app.recommendations.request.options import Between, Boost, Condition, Filter, OneOf, Pin, Rules
from app.settings import MAX_ID_LENGTH, MAX_LIST

MAX_NAMED = 20  # categories or conditions of one filter
MAX_RULES = 100


def comparable(value: Any) -> Any:
    """Return the value if it can be compared.

    Raises:
        ValueError: if it is neither text, a number, true nor false.
    """
    if isinstance(value, bool | int) or (isinstance(value, float) and math.isfinite(value)):
        return value
    if isinstance(value, str):
        return storable(value)
    raise ValueError("must be text, a number, true or false")


Comparable = Annotated[
    Any, BeforeValidator(comparable), WithJsonSchema({"type": ["string", "number", "boolean"], "examples": [1990]})
]
Ordered = Annotated[
    Any, BeforeValidator(comparable), WithJsonSchema({"type": ["string", "number"], "examples": [1990]})
]
ONE_CONDITION: dict[str, Any] = {  # beside the name: eq, in, or gte and/or lte
    "minProperties": 2,
    "dependentSchemas": {"eq": {"maxProperties": 2}, "in": {"maxProperties": 2}},
}
Category = Annotated[str, StringConstraints(min_length=1, max_length=MAX_ID_LENGTH), AfterValidator(storable)]
Categories = Annotated[list[Category], Field(max_length=MAX_NAMED)]


class ConditionIn(BaseModel):
    """What an attribute must be: equal to `eq`, one of `in`, or from `gte` to `lte`, ends included.

    Of an attribute that is a list, one element is enough. Times of RFC 3339 compare as moments, other text by code
    point. A value compares only with its own kind: 1990 is not "1990".
    """

    model_config = ConfigDict(
        extra="forbid", json_schema_extra=ONE_CONDITION | {"examples": [{"name": "year", "gte": 1990}]}
    )

    name: Annotated[str, StringConstraints(strict=True, min_length=1, max_length=1_000), AfterValidator(storable)]
    eq: Comparable = None
    one_of: Annotated[list[Comparable], Field(alias="in", min_length=1, max_length=MAX_LIST)] = []
    gte: Ordered = None
    lte: Ordered = None

    @model_validator(mode="after")
    def _is_one_condition(self) -> Self:
        given = self.model_fields_set - {"name"}
        if not given or ({"eq", "one_of"} & given and len(given) > 1):
            raise ValueError("must have one of eq, in, or gte and/or lte")
        kinds = {AttributeValue.of(end).kind for end in (self.gte, self.lte) if end is not None}
        if ValueKind.FLAG in kinds:
            raise ValueError("true and false have no order: use eq")
        if len(kinds) > 1:
            raise ValueError("gte and lte must be of one kind: two numbers, two times or two other texts")
        return self

    def condition(self) -> Condition:
        """Return the condition that the catalogue applies."""
        if self.gte is not None or self.lte is not None:
            low, high = (None if end is None else AttributeValue.of(end) for end in (self.gte, self.lte))
            return Between(self.name, low, high)
        values = self.one_of or [self.eq]
        return OneOf(self.name, tuple(dict.fromkeys(map(AttributeValue.of, values))))


class FilterIn(BaseModel):
    """Which items: those that meet every condition."""

    category: Annotated[Categories, Field(description="Only items in any of these.")] = []
    category_all: Annotated[Categories, Field(description="Only items in each of these.")] = []
    exclude_category: Annotated[Categories, Field(description="No items in any of these.")] = []
    attribute: Annotated[
        list[ConditionIn], Field(max_length=MAX_NAMED, description="Only items whose attributes meet all of these.")
    ] = []

    def filter(self) -> Filter:
        """Return the filter that the catalogue applies."""
        conditions = tuple(each.condition() for each in self.attribute)
        return Filter(tuple(self.category), tuple(self.category_all), tuple(self.exclude_category), conditions)


NAMING = ("item_id", "category", "category_all", "exclude_category", "attribute")
SOME_ITEMS: dict[str, Any] = {"not": {"properties": {name: {"maxItems": 0} for name in NAMING}}}


class BoostIn(FilterIn):
    """Items to recommend sooner, or later: those that meet the filter and, if `item_id` is given, are in it."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra=SOME_ITEMS | {"examples": [{"factor": 1.5, "category": ["Drama"]}]}
    )

    factor: Annotated[
        float,
        Field(strict=True, ge=0.001, le=1_000, allow_inf_nan=False, description="Above 1: sooner; below 1: later."),
    ]
    item_id: Annotated[list[ExternalId], Field(max_length=MAX_LIST, description="Only these items.")] = []

    @model_validator(mode="after")
    def _names_items(self) -> Self:
        if not any(getattr(self, name) for name in NAMING):
            raise ValueError("must say which items: by item_id, category or attribute")
        return self

    def boost(self) -> Boost:
        """Return the boost that the ranking applies."""
        return Boost(self.factor, self.filter(), tuple(self.item_id))


class PinIn(BaseModel):
    """An item to show at a position, unless a filter or a block excludes it."""

    model_config = ConfigDict(extra="forbid")

    item_id: Annotated[ExternalId, Field(examples=["blade-runner-1982"])]
    position: Annotated[
        int | None,
        Field(strict=True, ge=1, le=MAX_LIST, description="Counted from 1. Left out: before all others.", examples=[3]),
    ] = None


class RulesIn(BaseModel):
    """What the owner of the catalogue wants, whatever a user's taste."""

    block: Annotated[list[ExternalId], Field(max_length=MAX_LIST, description="Items never to recommend.")] = []
    boost: Annotated[
        list[BoostIn], Field(max_length=MAX_RULES, description="Items to recommend sooner, or later.")
    ] = []
    pin: Annotated[
        list[PinIn], Field(max_length=MAX_RULES, description="Items to show first, in this order, or at a position.")
    ] = []

    @field_validator("pin")
    @classmethod
    def _pins_are_distinct(cls, pins: list[PinIn]) -> list[PinIn]:
        positions = [pin.position for pin in pins if pin.position is not None]
        for name, values in (("item", [pin.item_id for pin in pins]), ("position", positions)):
            if repeated := [value for value, count in Counter(values).items() if count > 1]:
                raise ValueError(f"names the {name} {repeated[0]!r} twice")
        return pins

    def rules(self) -> Rules:
        """Return the rules that the ranking applies."""
        boosts = tuple(each.boost() for each in self.boost)
        return Rules(tuple(self.block), boosts, tuple(Pin(pin.item_id, pin.position) for pin in self.pin))
