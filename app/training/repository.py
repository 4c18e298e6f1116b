"""Every query about training runs."""

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, CursorResult, and_, delete, func, insert, or_, select, update
from sqlalchemy.orm import Session

from app.database.clock import read_clock
from app.tables import Counter, ModelVersion, Rating, RunState, TrainingEpoch, TrainingRun, User

SCHEDULE_LOCK = 7_252_834  # key of a PostgreSQL advisory lock; any number that nothing else uses


def lock_schedule(session: Session) -> None:
    """Let one worker at a time decide; on SQLite a writing transaction is alone anyway."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(select(func.pg_advisory_xact_lock(SCHEDULE_LOCK)))


def revision(session: Session) -> int:
    """Read the number of rating changes so far."""
    return session.scalars(select(Counter.value).where(Counter.name == "ratings")).one()


def learned_watermark(session: Session) -> int | None:
    """Read the revision that the newest version has learned; None if there never was one."""
    return session.scalar(select(func.max(ModelVersion.watermark)))


def last_requested(session: Session) -> tuple[datetime | None, int]:
    """Read when the latest run was asked for, and the revision then (or that it learned); None, 0 before the first."""
    query = select(TrainingRun.requested_at, TrainingRun.watermark).order_by(TrainingRun.id.desc()).limit(1)
    requested_at, watermark = session.execute(query).one_or_none() or (None, 0)
    return requested_at, watermark or 0


def is_pending(session: Session) -> bool:
    """Return whether a run waits or is running."""
    pending = TrainingRun.state.in_((RunState.QUEUED, RunState.RUNNING))
    return session.scalar(select(TrainingRun.id).where(pending).limit(1)) is not None


def count_up_to(session: Session, column: Any, most: int) -> int:
    """Count the distinct users (or items) that have ratings, stopping at ``most``: quick on any table."""
    found: list[int] = []
    while len(found) < most:
        standing = select(column).where(Rating.value.is_not(None), column.not_in(found)).limit(1)
        if (key := session.scalar(standing)) is None:
            break
        found.append(key)
    return len(found)


def num_succeeded(session: Session) -> int:
    """Count the runs that made a version."""
    return session.scalar(select(func.count()).where(TrainingRun.state == RunState.SUCCEEDED)) or 0


def insert_run(session: Session, **values: Any) -> TrainingRun:
    """Store a new run."""
    run = TrainingRun(**values)
    session.add(run)
    session.flush()
    return run


def claimable(now: datetime) -> ColumnElement[bool]:
    """Runs that wait, and those whose worker's lease has run out by the database's clock."""
    expired = and_(TrainingRun.state == RunState.RUNNING, TrainingRun.lease_expires_at < now)
    return or_(TrainingRun.state == RunState.QUEUED, expired)


def has_claimable(session: Session) -> bool:
    """Return whether a claim is worth a writing transaction."""
    return session.scalar(select(TrainingRun.id).where(claimable(read_clock(session))).limit(1)) is not None


def lock_next(session: Session, now: datetime, run_id: int | None = None) -> TrainingRun | None:
    """Lock the oldest claimable run (or the named one), passing over runs that another worker is claiming."""
    query = select(TrainingRun).where(claimable(now)).order_by(TrainingRun.id).limit(1)
    if run_id is not None:
        query = query.where(TrainingRun.id == run_id)
    return session.scalar(query.with_for_update(skip_locked=True))


def lock_run(session: Session, run_id: int) -> TrainingRun | None:
    """Lock one run, waiting for whoever changes it."""
    query = select(TrainingRun).where(TrainingRun.id == run_id).with_for_update()
    return session.scalar(query.execution_options(populate_existing=True))


def find_run(session: Session, run_id: int) -> TrainingRun | None:
    """Read one run."""
    return session.get(TrainingRun, run_id)


def find_runs(session: Session, state: RunState | None, before: int | None, limit: int) -> list[TrainingRun]:
    """Read runs, newest first."""
    query = select(TrainingRun).order_by(TrainingRun.id.desc()).limit(limit)
    if state is not None:
        query = query.where(TrainingRun.state == state)
    if before is not None:
        query = query.where(TrainingRun.id < before)
    return list(session.scalars(query))


def find_epochs(session: Session, run_id: int, after: int = 0) -> list[TrainingEpoch]:
    """Read the finished epochs of a run that come after one."""
    query = select(TrainingEpoch).where(TrainingEpoch.run_id == run_id, TrainingEpoch.epoch > after)
    return list(session.scalars(query.order_by(TrainingEpoch.epoch)))


def find_gates(session: Session, versions: list[str]) -> dict[str, dict[str, Any]]:
    """Read what the gate said of versions."""
    query = select(ModelVersion.version, ModelVersion.gate).where(ModelVersion.version.in_(versions))
    return {row[0]: row[1] for row in session.execute(query)}


def update_claimed(session: Session, run_id: int, worker: str, attempt: int, /, **values: Any) -> bool:
    """Change a run if this claim still holds it; return whether it does."""
    running = (TrainingRun.id == run_id, TrainingRun.state == RunState.RUNNING)
    mine = (TrainingRun.worker == worker, TrainingRun.attempts == attempt)
    result = session.execute(update(TrainingRun).where(*running, *mine).values(**values))
    assert isinstance(result, CursorResult)  # noqa: S101 - tells mypy what an UPDATE gives
    return result.rowcount == 1


def drop_epochs(session: Session, run_id: int, after: int) -> None:
    """Remove the figures of the epochs after one."""
    session.execute(delete(TrainingEpoch).where(TrainingEpoch.run_id == run_id, TrainingEpoch.epoch > after))


def replace_epoch(session: Session, run_id: int, epoch: int, **values: Any) -> None:
    """Store an epoch's figures; twice is as good as once."""
    drop_epochs(session, run_id, epoch - 1)
    session.execute(insert(TrainingEpoch).values(run_id=run_id, epoch=epoch, **values))


def pending_runs(session: Session) -> list[int]:
    """Name the runs that wait or are running."""
    pending = TrainingRun.state.in_((RunState.QUEUED, RunState.RUNNING))
    return list(session.scalars(select(TrainingRun.id).where(pending)))


def users_changed_since(session: Session, revision: int) -> list[int]:
    """Number the users of whom a rating was set, edited or removed after a revision."""
    return list(session.scalars(select(User.id).where(User.revision > revision)))
