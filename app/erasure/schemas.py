"""What the routes of erasures give."""

from datetime import datetime

from pydantic import BaseModel, Field

from app.erasure.service import Receipt, State
from app.registry.training_users import UserRole


class HoldingVersion(BaseModel):
    """A version that holds an erased user."""

    version: str
    live: bool
    part: UserRole = Field(
        description="What his ratings were for: `trained`; `inherited`: the version it went on from had learned them; "
        "`validated`: they chose the epoch; `judged`: the gate's; `unknown`: its files did not say."
    )
    removed_at: datetime | None = Field(description="When its files were removed; null while they are kept.")


class ReceiptOut(BaseModel):
    """A receipt: a user was erased. It does not say who; keep its id where you need to know."""

    erasure_id: str = Field(examples=["5a0f6d3c1b7e4f0f9a64d2b8c1e7f305"])
    erased_at: datetime
    state: State = Field(
        description="`pending`: a version that serves (the live one, or one of a running experiment) holds him, or a "
        "run under way may have read his ratings; `clean`: none that serves holds him; `purged`: none that is kept."
    )
    removed: dict[str, int] = Field(
        description="Rows removed, by table; `ratings` counts those that he had removed himself.",
        examples=[{"users": 1, "ratings": 12, "rating_changes": 15}],
    )
    user_number: int = Field(description="The number under which versions held him. It is never given again.")
    revision: int = Field(description="A version of this watermark or a later one has never seen him.")
    versions: list[HoldingVersion] = Field(description="The versions that hold him, newest first.")
    live_version_holds: bool
    runs: list[int] = Field(description="Runs under way that may have read his ratings; wait for them, or cancel them.")
    experiments: list[int] = Field(description="Running experiments of which a version holds him; stop them.")
    clean_version: str | None = Field(description="What was live at `clean_at`; null: nothing, or not yet.")
    clean_at: datetime | None = Field(description="Since when no version has served that holds him.")
    purged_at: datetime | None = Field(description="When the files of the last version that held him were removed.")

    @classmethod
    def of(cls, receipt: Receipt) -> "ReceiptOut":
        """Describe a receipt."""
        erasure, clean = receipt.erasure, receipt.clean or (None, None)
        versions = [
            HoldingVersion(
                version=row.version, live=row.version == receipt.live, part=UserRole(part), removed_at=row.removed_at
            )
            for row, part in receipt.held
        ]
        return cls(
            erasure_id=erasure.id,
            erased_at=erasure.erased_at,
            state=receipt.state,
            removed=erasure.removed,
            user_number=erasure.user_number,
            revision=erasure.revision,
            versions=versions,
            live_version_holds=any(held.live for held in versions),
            runs=receipt.runs,
            experiments=receipt.experiments,
            clean_version=clean[0],
            clean_at=clean[1],
            purged_at=receipt.purged_at,
        )
