"""The rules of training runs: asking for one, cancelling it, showing it, deciding that one is due."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from app.erasure import repository as erasures
from app.kit.errors import RunAlreadyEnded, RunNotFound
from app.settings import Settings
from app.tables import Rating, RunCause, RunState, TrainingEpoch, TrainingRun
from app.training import queue, repository
from app.training.schedule import MIN_ITEMS, MIN_USERS, Decision, Demand, decide

ENDED = frozenset({RunState.SUCCEEDED, RunState.FAILED, RunState.CANCELLED})


@dataclass(frozen=True)
class Progress:
    """How far a run has come."""

    run: TrainingRun
    epochs: list[TrainingEpoch]
    gate: dict[str, Any] | None


def request_run(
    session: Session,
    settings: Settings,
    cause: RunCause,
    now: datetime,
    *,
    kind: str | None = None,
    options: dict[str, Any] | None = None,
) -> TrainingRun:
    """Queue a run. ``options`` are those of this run only; what they leave out is as in the settings."""
    return repository.insert_run(
        session,
        state=RunState.QUEUED,
        cause=cause,
        kind=kind or settings.model_kind,
        options=options or {},
        requested_at=now,
        watermark=repository.revision(session),
    )


def cancel_run(session: Session, run_id: int, now: datetime) -> TrainingRun:
    """Cancel a run: at once if it waits, else its worker stops within seconds.

    Raises:
        RunNotFound: if there is no such run.
        RunAlreadyEnded: if it has ended.
    """
    run = repository.lock_run(session, run_id)
    if run is None:
        raise RunNotFound(f"There is no training run {run_id}.")
    if run.state in ENDED:
        raise RunAlreadyEnded(f"Training run {run_id} has ended already: {run.state}.")
    run.cancel_requested = True
    if run.state == RunState.QUEUED:
        queue.end(run, RunState.CANCELLED, now)
    return run


def get_run(session: Session, run_id: int) -> TrainingRun:
    """Read a run, or raise `RunNotFound`."""
    if (run := repository.find_run(session, run_id)) is None:
        raise RunNotFound(f"There is no training run {run_id}.")
    return run


def get_progress(session: Session, run_id: int, after: int = 0) -> Progress:
    """Read a run, its epochs after one, and what the gate said; raises `RunNotFound`."""
    run = get_run(session, run_id)
    gates = repository.find_gates(session, [run.version] if run.version else [])
    return Progress(run, repository.find_epochs(session, run_id, after), gates.get(run.version or ""))


def list_runs(
    session: Session, state: RunState | None, before: int | None, limit: int
) -> tuple[list[TrainingRun], dict[str, dict[str, Any]]]:
    """Read runs, newest first, and what the gate said of their versions."""
    runs = repository.find_runs(session, state, before, limit)
    return runs, repository.find_gates(session, [run.version for run in runs if run.version])


def demand(session: Session) -> Demand:
    """Read whether a run is needed."""
    watermark = repository.learned_watermark(session)
    revision = repository.revision(session)
    requested_at, requested_watermark = repository.last_requested(session)
    latest = max(watermark or 0, requested_watermark)
    return Demand(
        pending=repository.is_pending(session),
        changes=revision - (watermark or 0),
        new_changes=revision - latest,
        erased=erasures.num_in_live(session, watermark or 0),
        newly_erased=erasures.num_in_live(session, latest),
        last_requested=requested_at,
        trained_before=watermark is not None,
        num_users=repository.count_up_to(session, Rating.user_id, MIN_USERS),
        num_items=repository.count_up_to(session, Rating.item_id, MIN_ITEMS),
    )


def poll(session: Session, settings: Settings, polled_at: datetime | None, now: datetime) -> Decision | None:
    """Decide, without storing anything, whether a run is due."""
    return decide(settings, demand(session), polled_at, now)


def start_due(session: Session, settings: Settings, polled_at: datetime | None, now: datetime) -> TrainingRun | None:
    """Decide again, alone, and queue the run that is due; so two workers never queue it twice."""
    repository.lock_schedule(session)
    decision = poll(session, settings, polled_at, now)
    if decision is None or decision.cause is None:
        return None
    return request_run(session, settings, decision.cause, now)
