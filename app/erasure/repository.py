"""Every query about erasures."""

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, Table, delete, func, or_, select
from sqlalchemy.engine import CursorResult
from sqlalchemy.orm import Session

from app.tables import (
    Activation,
    Base,
    Erasure,
    ErasureVersion,
    Experiment,
    ModelVersion,
    Rating,
    RunState,
    TrainingRun,
    User,
)

VersionRole = tuple[ModelVersion, str]  # a version, and the role of a user in it


def count_ratings(session: Session, number: int) -> int:
    """Count the current ratings of a user."""
    standing = select(func.count()).where(Rating.user_id == number, Rating.value.is_not(None))
    return session.scalars(standing).one()


def remove_user(session: Session, number: int) -> dict[str, int]:
    """Delete a user and every row that belongs to them; return the numbers of rows by table.

    A transaction that adds rows of a user locks the user first, or finds them gone.
    """
    session.execute(select(User.id).where(User.id == number).with_for_update())
    owned = [(table, table.c.user_id == number) for table in owned_tables()]
    where: list[tuple[Table, ColumnElement[bool]]] = [*owned, (Base.metadata.tables["users"], User.id == number)]
    return {table.name: delete_rows(session, table, condition) for table, condition in where}


def owned_tables() -> list[Table]:
    """Return the tables whose rows belong to users, referring tables before those they refer to."""
    return [table for table in reversed(Base.metadata.sorted_tables) if "user_id" in table.c]


def delete_rows(session: Session, table: Table, condition: ColumnElement[bool]) -> int:
    """Delete rows, and count them."""
    result = session.execute(delete(table).where(condition))
    assert isinstance(result, CursorResult)  # noqa: S101 - tells mypy the result of a DELETE
    return result.rowcount


def add(session: Session, erasure: Erasure, versions: Sequence[ErasureVersion]) -> None:
    """Store a receipt and its versions."""
    session.add(erasure)
    session.flush()
    add_versions(session, versions)


def add_versions(session: Session, versions: Sequence[ErasureVersion]) -> None:
    """Add further versions to receipts."""
    session.add_all(versions)
    session.flush()


def find(session: Session, erasure_id: str) -> Erasure | None:
    """Read a receipt."""
    return session.get(Erasure, erasure_id)


def find_versions(session: Session, erasure_id: str) -> list[VersionRole]:
    """Read the versions that hold an erased user, newest first."""
    query = (
        select(ModelVersion, ErasureVersion.part)
        .join(ErasureVersion, ErasureVersion.version == ModelVersion.version)
        .where(ErasureVersion.erasure_id == erasure_id)
        .order_by(ModelVersion.created_at.desc(), ModelVersion.version.desc())
    )
    return [(row[0], row[1]) for row in session.execute(query)]


def activations_since(session: Session, moment: datetime) -> list[Activation]:
    """Read what went live after a moment, and what was live then: the latest first."""
    live_then = select(func.max(Activation.id)).where(Activation.activated_at <= moment).scalar_subquery()
    query = select(Activation).where(Activation.id >= func.coalesce(live_then, 0)).order_by(Activation.id.desc())
    return list(session.scalars(query))


def experiments_since(session: Session, moment: datetime, versions: Collection[str]) -> list[Experiment]:
    """Read the experiments of any of these versions that were running at a moment or later, newest first."""
    ran = or_(Experiment.stopped_at.is_(None), Experiment.stopped_at > moment)
    of_these = or_(Experiment.control.in_(versions), Experiment.treatment.in_(versions))
    return list(session.scalars(select(Experiment).where(ran, of_these).order_by(Experiment.id.desc())))


def runs_under_way(session: Session, revision: int) -> list[int]:
    """Return the ids of the runs in progress that may have read the ratings before a revision."""
    query = select(TrainingRun.id).where(TrainingRun.state == RunState.RUNNING, TrainingRun.watermark < revision)
    return list(session.scalars(query.order_by(TrainingRun.id)))


def erased_since(session: Session, revision: int) -> list[Erasure]:
    """Read the receipts of users who were erased after a revision."""
    return list(session.scalars(select(Erasure).where(Erasure.revision > revision)))


def holds_erased(session: Session, version: str) -> bool:
    """Return whether a version holds an erased user."""
    return session.scalar(select(ErasureVersion.version).where(ErasureVersion.version == version).limit(1)) is not None


def num_in_live(session: Session, revision: int) -> int:
    """Count the users erased after a revision that the live version holds."""
    live = select(Activation.version).order_by(Activation.id.desc()).limit(1).scalar_subquery()
    query = select(func.count()).select_from(ErasureVersion).join(Erasure, Erasure.id == ErasureVersion.erasure_id)
    return session.scalars(query.where(ErasureVersion.version == live, Erasure.revision > revision)).one()
