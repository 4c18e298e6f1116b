"""Items as the API takes and returns them."""

import math
from datetime import datetime
from typing import Annotated, Any, Literal

import orjson
from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    FailFast,
    Field,
    StringConstraints,
    ValidationInfo,
    field_validator,
)

from app.kit.ids import ExternalId, storable
from app.kit.times import in_utc, rfc3339

MAX_ATTRIBUTES_BYTES = 16 * 1024
MAX_DEPTH = 32
MAX_WHOLE = 2**63


def storable_json(value: Any, depth: int = 1) -> None:
    """Check that both databases return a JSON value as it was stored.

    Raises:
        ValueError: saying what to change.
    """
    if depth > MAX_DEPTH:
        raise ValueError(f"is nested deeper than {MAX_DEPTH} levels: flatten it")
    match value:
        case str():
            storable(value)
        case float() if not math.isfinite(value):
            raise ValueError("holds a number that is not finite: write it as text")
        case int() if not -MAX_WHOLE <= value < MAX_WHOLE:
            raise ValueError("holds a whole number of more than 64 bits: write it as text")
        case list():
            for element in value:
                storable_json(element, depth + 1)
        case dict():
            for key, element in value.items():
                storable(key)
                storable_json(element, depth + 1)


def check_attributes(attributes: dict[str, Any]) -> dict[str, Any]:
    """Return attributes if they can be stored.

    Raises:
        ValueError: saying what to change.
    """
    storable_json(attributes)
    size = len(orjson.dumps(attributes))
    if size > MAX_ATTRIBUTES_BYTES:
        raise ValueError(f"take {size} bytes as JSON: at most {MAX_ATTRIBUTES_BYTES} are allowed")
    return attributes


Title = Annotated[str, StringConstraints(strict=True, max_length=1_000), AfterValidator(storable)]
Category = Annotated[str, StringConstraints(strict=True, min_length=1, max_length=255), AfterValidator(storable)]
Categories = Annotated[list[Category], FailFast(), Field(max_length=100, examples=[["Sci-Fi", "Thriller"]])]
Attributes = Annotated[
    dict[str, Any],
    AfterValidator(check_attributes),
    Field(description="Any JSON object, up to 16 KiB.", examples=[{"year": 1982}]),
]
Active = Annotated[bool, Field(strict=True, description="Items that are not active are never recommended.")]
Moment = Annotated[AwareDatetime, BeforeValidator(rfc3339), AfterValidator(in_utc)]
AvailableFrom = Annotated[
    Moment | None,
    Field(
        description="RFC 3339; before then the item is not recommended. Null: it always was.",
        examples=["2026-01-01T00:00:00Z"],
    ),
]
AvailableUntil = Annotated[
    Moment | None,
    Field(
        description="RFC 3339; from then on the item is not recommended. Null: it always will be.",
        examples=["2999-01-01T00:00:00Z"],
    ),
]


class Window(BaseModel):
    """When an item may be recommended."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    available_from: AvailableFrom = None
    available_until: AvailableUntil = None

    @field_validator("available_until")
    @classmethod
    def _opens_before_it_closes(cls, until: datetime | None, info: ValidationInfo) -> datetime | None:
        start = info.data.get("available_from")
        if start is not None and until is not None and until <= start:
            raise ValueError("must be later than available_from")
        return until


class ItemFields(Window):
    """All that the caller says about an item; what is left out takes its default."""

    title: Annotated[Title | None, Field(examples=["Blade Runner"])] = None
    categories: Categories = []
    active: Active = True
    attributes: Attributes = {}


class ItemIn(ItemFields):
    """An item of a bulk request."""

    item_id: Annotated[ExternalId, Field(examples=["blade-runner-1982"])]


class ItemPatch(Window):
    """The fields to change; what is left out stays. `"title": null` clears the title."""

    title: Title | None = None
    categories: Categories = []
    active: Active = True
    attributes: Attributes = {}


class ItemOut(BaseModel):
    """An item as it is stored."""

    item_id: str
    title: str | None
    categories: list[str]
    active: bool
    attributes: dict[str, Any]
    available_from: datetime | None
    available_until: datetime | None
    created_at: datetime
    updated_at: datetime
    revision: int = Field(description="Number of the item's latest change.")


class ItemResult(BaseModel):
    """What became of one posted item."""

    index: int
    item_id: Any = Field(examples=["blade-runner-1982"])
    status: Literal["created", "updated", "unchanged", "refused"]
    revision: int | None = Field(default=None, description="Number of the item's latest change.")
    errors: list[dict[str, Any]] = Field(default=[], description="The offending fields of a refused row.")


class ItemCounts(BaseModel):
    """How many rows ended how."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    refused: int = 0


class ItemsWritten(BaseModel):
    """The answer to posted items; all of it is committed."""

    revision: int
    counts: ItemCounts
    results: list[ItemResult]


class ItemList(BaseModel):
    """A page of the catalogue."""

    items: list[ItemOut]
    next_cursor: str | None = Field(description="Give it as `cursor` for the next page; null on the last.")


class ItemRemoved(BaseModel):
    """The answer to an item removed together with its ratings."""

    item_id: str
    num_ratings_removed: int
    revision: int = Field(description="Every rating change up to this number is stored.")
    later: str = Field(description="What becomes of a rating or an import of this item that comes later.")
