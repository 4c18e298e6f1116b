"""The rules of experiments: which versions can be compared, one experiment at a time, what stopping one does."""

import asyncio
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from sqlalchemy.orm import Session

from app.database.engine import Database
from app.experiments import repository
from app.experiments.assignment import Arm
from app.kit.errors import (
    ExperimentNotFound,
    ExperimentRunning,
    ExperimentStopped,
    FieldProblem,
    InvalidRequest,
    VersionUnusable,
)
from app.registry import repository as registry
from app.registry import service as versions
from app.registry import store
from app.registry.service import ActivationRequest
from app.tables import Experiment, ExperimentState, ModelVersion

KEPT_HINT = "name a version whose files are kept: GET /v1/models lists them"


class Requester(NamedTuple):
    """The person or key that requests an experiment, and the reason."""

    actor: str | None
    reason: str | None


@dataclass(frozen=True, kw_only=True)
class Plan:
    """An experiment to start."""

    name: str
    control: str
    treatment: str
    share: float
    treatment_share: float
    salt: str

    @property
    def versions(self) -> dict[Arm, str]:
        """Return the version of each arm."""
        return {Arm.CONTROL: self.control, Arm.TREATMENT: self.treatment}


async def check_versions(database: Database, model_store: Path, plan: Plan) -> None:
    """Check that the files of both versions are whole, before an experiment starts.

    Raises:
        InvalidRequest: naming the version that is unknown or removed.
        VersionUnusable: naming the version whose files are damaged.
    """
    await database.read(check_kept, plan)
    for arm, version in plan.versions.items():
        await asyncio.to_thread(verify, model_store, arm, version)


async def start_experiment(
    database: Database, model_store: Path, plan: Plan, *, requester: Requester, now: datetime
) -> Experiment:
    """Start an experiment whose versions' files are whole.

    Raises:
        InvalidRequest, VersionUnusable: as `check_versions`.
        ExperimentRunning: if another one is running.
    """
    await check_versions(database, model_store, plan)
    return await database.write(start, plan, requester, now)


def verify(model_store: Path, arm: Arm, version: str) -> None:
    """Check that an arm's files are whole; raises `VersionUnusable`."""
    try:
        store.verify(model_store, version)
    except VersionUnusable as error:
        raise VersionUnusable(error.detail, [FieldProblem(f"/{arm}", f"is damaged: {KEPT_HINT}")]) from error


def check_kept(session: Session, plan: Plan) -> None:
    """Check that both versions are known and kept; raises `InvalidRequest`."""
    found = {arm: registry.find_version(session, version) for arm, version in plan.versions.items()}
    problems = [FieldProblem(f"/{arm}", wrong) for arm, row in found.items() if (wrong := problem_of(row))]
    if problems:
        raise InvalidRequest("; ".join(f"{each['field']}: {each['detail']}" for each in problems), problems)


def problem_of(row: ModelVersion | None) -> str | None:
    """Return why a version cannot serve, or None if it can."""
    if row is None:
        return f"is not known: {KEPT_HINT}"
    return f"was removed at {row.removed_at.isoformat()}: {KEPT_HINT}" if row.removed_at else None


def start(session: Session, plan: Plan, requester: Requester, now: datetime) -> Experiment:
    """Start an experiment. The caller verifies the files of its versions first.

    Raises:
        InvalidRequest, ExperimentRunning: as `start_experiment`.
    """
    for version in sorted(plan.versions.values()):
        registry.lock_version(session, version)  # so that it is not being removed meanwhile
    check_kept(session, plan)
    if running := registry.find_running(session):
        raise ExperimentRunning(
            f"Experiment {running.id} ({running.name}) is running: POST /v1/experiments/{running.id}/stop first."
        )
    experiment = Experiment(
        name=plan.name,
        control=plan.control,
        treatment=plan.treatment,
        share=plan.share,
        treatment_share=plan.treatment_share,
        salt=plan.salt,
        state=ExperimentState.RUNNING,
        started_at=now,
        started_by=requester.actor,
        reason=requester.reason,
    )
    repository.add(session, experiment)
    return experiment


def get(session: Session, number: int) -> Experiment:
    """Read an experiment, or raise `ExperimentNotFound`."""
    if (experiment := repository.find(session, number)) is None:
        raise ExperimentNotFound(f"There is no experiment {number}.")
    return experiment


def version_of(experiment: Experiment, arm: Arm) -> str:
    """Return the version of an arm."""
    return experiment.control if arm is Arm.CONTROL else experiment.treatment


async def stop_experiment(
    database: Database,
    model_store: Path,
    number: int,
    *,
    activate: Arm | None,
    request: ActivationRequest,
    now: datetime,
) -> Experiment:
    """Stop an experiment, and make one of its versions live if ``activate`` names its arm.

    Raises:
        ExperimentNotFound, ExperimentStopped: if there is none to stop.
        VersionRefused: if the version has to be forced and is not; the experiment runs on.
        VersionUnusable: if its files are damaged; the experiment runs on.
    """
    if activate is not None:
        version = version_of(await database.read(get, number), activate)
        await asyncio.to_thread(store.verify, model_store, version)
    return await database.write(stop, number, activate, request=request, now=now)


def stop(
    session: Session, number: int, activate: Arm | None, *, request: ActivationRequest, now: datetime
) -> Experiment:
    """Stop an experiment; raises as `stop_experiment`."""
    experiment = repository.lock(session, number)
    if experiment is None:
        raise ExperimentNotFound(f"There is no experiment {number}.")
    if experiment.stopped_at is not None:
        raise ExperimentStopped(f"Experiment {number} was stopped at {experiment.stopped_at.isoformat()}.")
    experiment.state, experiment.stopped_at = ExperimentState.STOPPED, now
    experiment.stopped_by, experiment.stop_reason, experiment.activated = request.actor, request.reason, activate
    if activate is not None:
        request = replace(request, reason=request.reason or f"experiment {number}")
        versions.activate(session, version_of(experiment, activate), request, now)
    return experiment
