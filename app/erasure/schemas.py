"""Responses of the routes of erasures."""

from datetime import datetime

from pydantic import BaseModel, Field

from app.erasure.service import Receipt, State
from app.keep_out.service import KeepOut, Kind
from app.registry.training_users import UserRole


class HoldingVersion(BaseModel):
    """A version that holds an erased user."""

    version: str
    live: bool
    part: UserRole = Field(
        description="The role of the ratings: `trained`; `inherited`: a version it started from learned from them; "
        "`validated`: chose the epoch; `judged`: compared by the gate; `unknown`: its files did not say."
    )
    removed_at: datetime | None = Field(description="When its files were removed; null while they are kept.")


class ReceiptOut(BaseModel):
    """The receipt of an erasure. It does not say whose; keep its id where you need to know."""

    erasure_id: str = Field(examples=["5a0f6d3c1b7e4f0f9a64d2b8c1e7f305"])
    erased_at: datetime
    state: State = Field(
        description="`pending`: a version that serves (live, or in a running experiment) holds the user, or a run in "
        "progress may have read their ratings; `clean`: no version that serves does; `purged`: no kept version does."
    )
    removed: dict[str, int] = Field(
        description="Rows deleted, by table; `ratings` includes those that were deleted before.",
        examples=[{"users": 1, "ratings": 12, "rating_changes": 15}],
    )
    user_number: int = Field(description="The user's number in the versions. It is never used again.")
    revision: int = Field(description="A version of this watermark or a later one does not hold the user.")
    versions: list[HoldingVersion] = Field(description="The versions that hold the user, newest first.")
    live_version_holds: bool
    runs: list[int] = Field(
        description="Runs in progress that may have read the ratings; wait for them, or cancel them."
    )
    experiments: list[int] = Field(description="Running experiments with a version that holds the user; stop them.")
    clean_version: str | None = Field(
        description="The version that was live at `clean_at`; null: none, or not clean yet."
    )
    clean_at: datetime | None = Field(description="Since when no version that serves has held the user.")
    purged_at: datetime | None = Field(
        description="When the files of the last version that held the user were removed."
    )

    @classmethod
    def of(cls, receipt: Receipt) -> "ReceiptOut":
        """Describe a receipt."""
        erasure, clean = receipt.erasure, receipt.clean or (None, None)
        versions = [
            HoldingVersion(
                version=row.version, live=row.version == receipt.live, part=UserRole(part), removed_at=row.removed_at
            )
            for row, part in receipt.versions
        ]
        return cls(
            erasure_id=erasure.id,
            erased_at=erasure.erased_at,
            state=receipt.state,
            removed=erasure.removed,
            user_number=erasure.user_number,
            revision=erasure.revision,
            versions=versions,
            live_version_holds=any(version.live for version in versions),
            runs=receipt.runs,
            experiments=receipt.experiments,
            clean_version=clean[0],
            clean_at=clean[1],
            purged_at=receipt.purged_at,
        )


class ErasedOut(ReceiptOut):
    """The receipt of a user who was just erased."""

    later: str = Field(description="What becomes of a rating or an import with the user's id that comes later.")

    @classmethod
    def of_new(cls, receipt: Receipt, keep_out: KeepOut) -> "ErasedOut":
        """Describe a new receipt."""
        return cls(**ReceiptOut.of(receipt).model_dump(), later=keep_out.later(Kind.USER))
