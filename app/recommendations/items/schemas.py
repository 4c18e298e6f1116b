"""Responses of the routes that list items."""

from datetime import datetime

from pydantic import BaseModel, Field

from app.recommendations.request.enums import Source
from app.recommendations.users.schemas import AnswerId, Recommendation


class PopularItems(BaseModel):
    """Items by their decayed, shrunken mean rating."""

    recommendation_id: AnswerId
    half_life_days: int
    counted_at: datetime
    items: list[Recommendation]


class NewItems(BaseModel):
    """Items, the newest first."""

    recommendation_id: AnswerId
    items: list[Recommendation]


class SimilarItem(BaseModel):
    """An item similar to another."""

    item_id: str
    title: str | None
    similarity: float | None = Field(
        description="Orders the list; no unit, and 1 at most where nothing is boosted. Null for an item that is not "
        "similar: one that a rule pins, or that `exploration` adds."
    )
    source: Source = Field(
        description="Where most of the similarity comes from: `similar`, the same people like both; `attributes`, "
        "their content is alike; or `pinned`, `new`."
    )


class SimilarItems(BaseModel):
    """Items similar to an item, the most similar first."""

    recommendation_id: AnswerId
    item_id: str
    model_version: str | None
    items: list[SimilarItem]
