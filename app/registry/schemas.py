"""What the routes of model versions give."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, Field

from app.registry.service import Listing


class Version(BaseModel):
    """A published model."""

    version: str = Field(examples=["2026-11-23T10-15-00Z-linear"])
    kind: str
    live: bool = Field(description="This is the version that should serve.")
    created_at: datetime
    activated_at: datetime | None = Field(description="When it last went live; null if it never did.")
    removed_at: datetime | None = Field(description="When its files were removed; it cannot be activated any more.")
    run_id: int | None = Field(description="The training run that made it.")
    watermark: int = Field(description="Revision of the ratings it has learned.")
    num_users: int
    num_items: int
    num_ratings: int
    num_bytes: int
    metrics: dict[str, Any] = Field(
        description="Figures of held-out users: `ndcg@10`, `rmse` ...; `<name>_error` is the standard error."
    )
    gate: dict[str, Any] = Field(description="Whether the gate let it go live, the reason, and the figures compared.")

    @classmethod
    def all_of(cls, listing: Listing) -> "list[Version]":
        """Describe rows."""
        return [
            cls(
                **{name: getattr(row, name) for name in cls.model_fields if hasattr(row, name)},
                live=row.version == listing.live,
                activated_at=listing.activated.get(row.version),
            )
            for row in listing.rows
        ]


class VersionList(BaseModel):
    """A page of versions, newest first."""

    versions: list[Version]
    next_cursor: str | None = Field(description="`cursor` of the next page; null on the last.")
