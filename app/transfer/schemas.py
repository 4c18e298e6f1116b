"""Lines of imports and exports, for the OpenAPI document; they are written as they are read, without these classes."""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, Field


class ExportedRating(BaseModel):
    """A rating as an export holds it."""

    user_id: str
    item_id: str
    value: float = Field(description="On the declared scale.")
    rated_at: datetime


class ExportedItem(BaseModel):
    """An item as an export holds it."""

    item_id: str
    title: str | None
    categories: list[str]
    active: bool
    attributes: dict[str, Any]
    available_from: datetime | None
    available_until: datetime | None


class ImportRefusal(BaseModel):
    """A row of an import that was not stored."""

    line: int = Field(description="Where the row begins; the first line is 1.")
    user_id: Any = Field(default=None, description="What the row said, as far as it could be read.")
    item_id: Any = Field(default=None, description="What the row said, as far as it could be read.")
    status: Literal["refused"] = "refused"
    errors: list[dict[str, Any]] = Field(description="The offending fields, each with how to mend it.")


class ImportCounts(BaseModel):
    """What became of the rows of an import; `read` is the sum of the others."""

    read: int
    created: int
    updated: int
    unchanged: int
    stale: int = Field(description="A later rating or removal is known.")
    refused: int
    taken: int = Field(default=0, description="Of a dry run: rows that would be stored.")
    unrated: int = Field(default=0, description="Rows of items that were not rated; left out if none are.")


class ImportDone(BaseModel):
    """The last line about an import; without it the import is not complete."""

    status: Literal["complete", "dry-run"] = "complete"
    kind: Literal["ratings", "items"]
    counts: ImportCounts
    notes: list[str] = Field(default=[], description="The layout, the columns that are not used, how dates are read.")
    columns: dict[str, str] = Field(default={}, description="Of a dry run: where each field comes from.")
    rows: list[dict[str, Any]] = Field(default=[], description="Of a dry run: the first rows as they would be stored.")


def inline(model: type[BaseModel]) -> dict[str, Any]:
    """Write the schema of a line, with what it is made of written out."""
    schema = model.model_json_schema()
    named = schema.pop("$defs", {})
    fields = schema["properties"]
    fields |= {name: named[each["$ref"].rsplit("/")[-1]] for name, each in fields.items() if "$ref" in each}
    return schema
