"""What the routes of training runs take and give."""

from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from app.tables import RunCause, RunState, TrainingEpoch, TrainingRun
from app.training.auto import AUTO
from models.kinds.names import KIND_NAMES

if TYPE_CHECKING:
    KindName = str
else:
    KindName = Literal[AUTO, *KIND_NAMES]


class RunRequest(BaseModel):
    """What this run does differently from the settings; what is left out is as in the settings."""

    model_config = ConfigDict(extra="forbid", strict=True, json_schema_extra={"examples": [{"kind": "linear"}]})

    kind: KindName | None = Field(None, description="Autoencoder to fit, or `auto`; null: that of the settings.")
    epochs: int | None = Field(None, ge=1, le=100_000, description="Epochs at most; `linear` needs one.")
    learning_rate: float | None = Field(None, ge=1e-9, le=1_000, description="Step size of the optimiser.")
    batch_size: int | None = Field(None, ge=1, le=1_000_000, description="Users per step; 1 is online learning.")
    seed: int | None = Field(None, ge=0, lt=2**32, description="Seed of every random choice.")
    cold: bool = Field(False, description="Start from new weights instead of the live model's.")

    def options(self) -> dict[str, Any]:
        """Return what differs from the settings, as the run keeps it."""
        return self.model_dump(exclude={"kind"}, exclude_none=True, exclude_defaults=True)


class Epoch(BaseModel):
    """The figures of one finished epoch."""

    epoch: int = Field(examples=[1])
    stage: str = Field(description="What it did: `fit`, or the stage of a kind that has several.", examples=["fit"])
    loss: float | None = Field(description="Mean loss of the training users; null where the kind has none.")
    metrics: dict[str, float | None] = Field(
        description="Figures of the validation users: `ndcg@10`, `ndcg@100`, `recall@20`, `recall@50`, `rmse`, `mae`."
    )
    seconds: float
    recorded_at: datetime

    @classmethod
    def of(cls, row: TrainingEpoch) -> "Epoch":
        """Describe a row."""
        return cls.model_validate(row, from_attributes=True)


class Run(BaseModel):
    """One training run."""

    id: int
    state: RunState = Field(description="`queued`, `running`, or an end: `succeeded`, `failed`, `cancelled`.")
    cause: RunCause = Field(description="Who asked for it: the `schedule`, the number of `changes`, or a user.")
    kind: str
    options: dict[str, Any] = Field(description="What was asked for beside the settings.")
    requested_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    epochs_planned: int | None = Field(description="Epochs at most; a run stops sooner when nothing improves.")
    epochs_finished: int
    eta: datetime | None = Field(description="When it ends if it uses all its epochs.")
    watermark: int | None = Field(description="Revision of the ratings it learns.")
    cancel_requested: bool
    worker: str | None = Field(description="The worker that holds it, or last held it.")
    attempts: int = Field(description="Times a worker took it up.")
    heartbeat_at: datetime | None = Field(description="Last sign of life of its worker.")
    version: str | None = Field(description="The model version it made.")
    gate: dict[str, Any] | None = Field(description="Whether that version was activated, why, and the figures.")
    error: str | None = Field(description="Why it failed.")

    @classmethod
    def of(cls, run: TrainingRun, gate: dict[str, Any] | None) -> "Run":
        """Describe a row."""
        columns = {name: getattr(run, name) for name in cls.model_fields if hasattr(run, name)}
        return cls(**columns, epochs_planned=run.epochs, epochs_finished=run.epoch, gate=gate)


class RunDetail(Run):
    """A training run with its epochs."""

    epochs: list[Epoch]


class RunList(BaseModel):
    """A page of runs, newest first."""

    runs: list[Run]
    next_cursor: str | None = Field(description="`cursor` of the next page; null on the last.")
