"""Runs are rows: claim one, keep its lease, write to it only while holding it, end it.

A claim is fenced by (worker, attempt): whoever lost the lease, perhaps because the process was suspended, changes no
row any more and meets `LeaseLost` at the next write. Leases begin and run out by the database's clock, so that workers
whose own clocks differ agree on them.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from app.database.clock import read_clock
from app.tables import RunState, TrainingRun
from app.training import repository

MAX_TAKEOVERS = 2  # a run that three workers in a row did not survive is at fault itself


class LeaseLost(Exception):
    """Another worker took the run over, or it was ended from outside."""


@dataclass(frozen=True, kw_only=True)
class Claim:
    """A run as the worker holds it."""

    run_id: int
    kind: str
    options: dict[str, Any]
    worker: str
    attempt: int


def claim(session: Session, worker: str, lease: timedelta, *, run_id: int | None = None) -> Claim | None:
    """Take the oldest run that waits or whose worker has gone silent; None if there is none.

    Args:
        session: of a writing transaction.
        worker: name of the claiming worker.
        lease: how long the claim holds without a renewal.
        run_id: claim this run only.
    """
    now = read_clock(session)
    while (run := repository.lock_next(session, now, run_id)) is not None:
        if run.cancel_requested:  # its worker died or stopped before it saw that
            end(run, RunState.CANCELLED, now)
        elif run.state == RunState.QUEUED:
            return take(run, worker, lease, now)
        elif run.takeovers >= MAX_TAKEOVERS:
            end(run, RunState.FAILED, now, f"{MAX_TAKEOVERS + 1} workers in a row died while training this run.")
        else:
            run.takeovers += 1
            return take(run, worker, lease, now)
        session.flush()
    return None


def take(run: TrainingRun, worker: str, lease: timedelta, now: datetime) -> Claim:
    """Return a locked run to a worker."""
    run.state = RunState.RUNNING
    run.worker = worker
    run.attempts += 1
    run.started_at = run.started_at or now
    run.heartbeat_at, run.lease_expires_at = now, now + lease
    return Claim(run_id=run.id, kind=run.kind, options=run.options, worker=worker, attempt=run.attempts)


def end(run: TrainingRun, state: RunState, now: datetime, error: str | None = None) -> None:
    """End a locked run."""
    run.state, run.finished_at, run.error = state, now, error
    run.lease_expires_at = run.eta = None


def is_cancelled(session: Session, claim: Claim) -> bool:
    """Return whether a user asked to cancel the run.

    Raises:
        LeaseLost: if the claim no longer holds.
    """
    run = repository.find_run(session, claim.run_id)
    if run is None or (run.state, run.worker, run.attempts) != (RunState.RUNNING, claim.worker, claim.attempt):
        raise LeaseLost
    return run.cancel_requested


def change(session: Session, claim: Claim, /, **values: Any) -> None:
    """Write to the run's row.

    Raises:
        LeaseLost: if the claim no longer holds.
    """
    if not repository.update_claimed(session, claim.run_id, claim.worker, claim.attempt, **values):
        raise LeaseLost


def renew(session: Session, claim: Claim, lease: timedelta) -> None:
    """Keep the claim for another lease; raises `LeaseLost` if it no longer holds."""
    now = read_clock(session)
    change(session, claim, heartbeat_at=now, lease_expires_at=now + lease)


def resume(session: Session, claim: Claim, epoch: int, planned: int) -> None:
    """Note where the fit begins, 0 or the last checkpoint's epoch; rows of epochs that will be trained again go."""
    change(session, claim, epoch=epoch, epochs=planned)
    repository.drop_epochs(session, claim.run_id, epoch)


def record_epoch(
    session: Session, claim: Claim, epoch: int, figures: dict[str, Any], *, planned: int, eta: datetime, now: datetime
) -> None:
    """Store the figures of a finished epoch; raises `LeaseLost` if the claim no longer holds."""
    change(session, claim, epoch=epoch, epochs=planned, eta=eta)
    repository.replace_epoch(session, claim.run_id, epoch, recorded_at=now, **figures)


def finish(session: Session, claim: Claim, state: RunState, /, **values: Any) -> None:
    """End the run that this claim holds; raises `LeaseLost` if it no longer holds."""
    change(session, claim, state=state, finished_at=read_clock(session), lease_expires_at=None, eta=None, **values)


def release(session: Session, claim: Claim) -> None:
    """Put the run back into the queue with its checkpoint; raises `LeaseLost` if the claim no longer holds."""
    change(session, claim, state=RunState.QUEUED, worker=None, heartbeat_at=None, lease_expires_at=None, eta=None)
