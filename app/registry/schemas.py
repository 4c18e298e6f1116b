"""Requests and responses of the routes of model versions."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from app.kit.ids import Text
from app.registry.service import Listing
from app.registry.training_users import UserRole
from app.tables import ActivationCause, ModelVersion

State = Literal["live", "activated", "refused", "removed"]


class Activate(BaseModel):
    """A request to activate a version."""

    model_config = ConfigDict(
        extra="forbid",
        strict=True,
        json_schema_extra={"examples": [{"force": True, "reason": "the new films matter more than the figures"}]},
    )

    force: bool = Field(False, description="Activate a version that the gate refused. It is recorded as forced.")
    reason: Text | None = Field(None, max_length=1_000, description="The reason; stored with the activation.")


class ActivationOut(BaseModel):
    """An activation of a version."""

    model_config = ConfigDict(from_attributes=True)

    cause: ActivationCause = Field(
        description="What activated it: the `gate`, or a person: `manual`, or `forced` against the gate."
    )
    activated_at: datetime
    actor: str | None = Field(
        description="The key, or the user of the command line. Null: the gate, or no key was sent."
    )
    reason: str | None = Field(description="The reason that was given.")


class Version(BaseModel):
    """A published model."""

    version: str = Field(examples=["2026-11-23T10-15-00Z-linear"])
    kind: str
    live: bool = Field(description="Whether this is the version that should serve.")
    state: State = Field(
        description="`live`; `activated`: it was live before; `refused` by the gate, never live; `removed`: no files."
    )
    created_at: datetime
    activated_at: datetime | None = Field(description="When it last went live; null if it never did.")
    removed_at: datetime | None = Field(description="When its files were removed; it cannot be activated any more.")
    run_id: int | None = Field(description="The training run that published it.")
    watermark: int = Field(description="Revision of the ratings that it was trained on.")
    num_users: int = Field(description="Users with ratings at that revision, including those held out.")
    num_items: int = Field(description="Items with ratings at that revision: its vocabulary.")
    num_ratings: int
    num_erased: int = Field(
        description="Users in it who have been erased since: activating it would bring their ratings back."
    )
    split: dict[str, Any] | None = Field(
        description="Users and ratings by role: `trained`; `validated`: chose the epoch; `judged`: by the gate; "
        "`inherited`: only a version it started from learned from them. `rule` describes the division."
    )
    num_bytes: int
    metrics: dict[str, Any] = Field(
        description="Metrics on held-out users: `ndcg@10`, `rmse` ...; `<name>_error` is the standard error."
    )
    gate: dict[str, Any] = Field(description="Whether the gate let it go live, the reason, and the figures compared.")
    activations: list[ActivationOut] = Field(description="All its activations, latest first.")

    @classmethod
    def all_of(cls, listing: Listing) -> "list[Version]":
        """Describe rows."""
        return [cls.of(row, listing) for row in listing.rows]

    @classmethod
    def of(cls, row: ModelVersion, listing: Listing) -> "Version":
        """Describe a row."""
        activations = [ActivationOut.model_validate(one) for one in listing.activations.get(row.version, [])]
        live = row.version == listing.live
        return cls(
            **{name: getattr(row, name) for name in cls.model_fields if hasattr(row, name)},
            live=live,
            num_erased=listing.num_erased.get(row.version, 0),
            state=state_of(row, live=live, was_live=bool(activations)),
            activated_at=activations[0].activated_at if activations else None,
            activations=activations,
        )


def state_of(row: ModelVersion, *, live: bool, was_live: bool) -> State:
    """Return the state of a version."""
    if live:
        return "live"
    if row.removed_at is not None:
        return "removed"
    return "activated" if was_live else "refused"


class HeldIn(BaseModel):
    """A version that holds a user's ratings."""

    version: str
    live: bool
    part: UserRole = Field(
        description="The role of the ratings: `trained`; `inherited`: a version it started from learned from them; "
        "`validated`: chose the epoch; `judged`: compared by the gate; `unknown`: its files do not say."
    )


class HeldInList(BaseModel):
    """The kept versions that hold a user's ratings, newest first."""

    user_id: str
    versions: list[HeldIn]

    @classmethod
    def of(cls, user_id: str, listing: Listing, roles: Mapping[str, UserRole | None]) -> "HeldInList":
        """Describe the versions that hold the user."""
        held = [
            HeldIn(version=row.version, live=row.version == listing.live, part=role)
            for row in listing.rows
            if (role := roles[row.version]) is not None
        ]
        return cls(user_id=user_id, versions=held)


class VersionList(BaseModel):
    """A page of versions, newest first."""

    versions: list[Version]
    next_cursor: str | None = Field(description="`cursor` of the next page; null on the last.")
