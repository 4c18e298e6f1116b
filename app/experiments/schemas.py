"""Requests and responses of the routes of experiments."""

from datetime import datetime
from secrets import token_hex
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationInfo, field_validator

from app.experiments.assignment import Arm
from app.experiments.service import Plan
from app.kit.ids import Text
from app.tables import ExperimentState

VersionName = Annotated[Text, Field(min_length=1, max_length=100)]
Reason = Annotated[Text | None, Field(max_length=1_000, description="The reason; stored with the experiment.")]
MAX_SALT_BYTES = 64


def check_salt(salt: str) -> str:
    """Return the salt if it is not too long.

    Raises:
        ValueError: if it is, with what to change.
    """
    if len(salt.encode()) > MAX_SALT_BYTES:
        raise ValueError(f"must be at most {MAX_SALT_BYTES} bytes of UTF-8")
    return salt


Salt = Annotated[Text, Field(min_length=1), AfterValidator(check_salt)]


class NewExperiment(BaseModel):
    """Two versions to be served side by side."""

    model_config = ConfigDict(
        extra="forbid",
        strict=True,
        json_schema_extra={
            "examples": [
                {
                    "name": "blend against linear",
                    "control": "2026-11-23T10-15-00Z-linear",
                    "treatment": "2026-11-24T03-00-00Z-hybrid",
                    "share": 0.2,
                }
            ]
        },
    )

    name: Annotated[Text, Field(min_length=1, max_length=100, description="What it is about.")]
    control: Annotated[VersionName, Field(description="The version to compare with, most often the live one.")]
    treatment: Annotated[VersionName, Field(description="The version to try; the gate may have refused it.")]
    share: Annotated[float, Field(gt=0, le=1, description="Share of the users who take part.")] = 1.0
    treatment_share: Annotated[float, Field(gt=0, lt=1, description="Share of these who get the treatment.")] = 0.5
    salt: Annotated[
        Salt | None,
        Field(
            description="Divides the users; random if left out. The salt and shares of an earlier experiment divide "
            "them as they were there.",
        ),
    ] = None
    reason: Reason = None

    @field_validator("treatment")
    @classmethod
    def _another_version(cls, treatment: str, info: ValidationInfo) -> str:
        if treatment == info.data.get("control"):
            raise ValueError("must be another version than control")
        return treatment

    def plan(self) -> Plan:
        """Return the plan for `service.start_experiment`."""
        return Plan(**self.model_dump(exclude={"salt", "reason"}), salt=self.salt or token_hex(8))


class StopExperiment(BaseModel):
    """A request to stop an experiment."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"activate": "treatment", "reason": "more clicks, and none missed"}]},
    )

    activate: Annotated[Arm | None, Field(description="Make this arm's version live; null: the live one stays.")] = None
    force: Annotated[bool, Field(strict=True, description="Activate it even if the gate refused it.")] = False
    reason: Reason = None


class ExperimentOut(BaseModel):
    """An experiment."""

    model_config = ConfigDict(from_attributes=True)

    id: int = Field(description="Its number, which its answers and their events carry.", examples=[1])
    name: str
    state: ExperimentState
    control: str
    treatment: str
    share: float = Field(description="Share of the users who take part; the others get the live version.")
    treatment_share: float = Field(description="Share of these who get the treatment.")
    salt: str
    started_at: datetime
    started_by: str | None = Field(description="A key, or a user of the command line. Null: no key was sent.")
    reason: str | None
    stopped_at: datetime | None
    stopped_by: str | None
    stop_reason: str | None
    activated: Arm | None = Field(description="The arm whose version went live when it was stopped.")


class ExperimentList(BaseModel):
    """A page of experiments, newest first."""

    experiments: list[ExperimentOut]
    next_cursor: str | None = Field(description="`cursor` of the next page; null on the last.")
