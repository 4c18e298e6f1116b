"""Every query about erasures."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Result, Table, delete, func, or_, select, tuple_
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
    """Delete a user and their ratings; return the numbers of rows by table, 0 where rows may be left to `sweep`.

    A transaction that adds rows of a user locks the user first, or finds them gone.
    """
    session.execute(select(User.id).where(User.id == number).with_for_update())
    left = {table.name: 0 for table in owned_tables()}
    ratings = session.execute(delete(Rating).where(Rating.user_id == number))
    users = session.execute(delete(User).where(User.id == number))
    return left | {"ratings": num_rows(ratings), "users": num_rows(users)}


def sweep(session: Session, erasure_id: str, limit: int) -> bool:
    """Delete some more rows of an erased user and count them in the receipt; return whether none is left."""
    erasure = session.scalars(select(Erasure).where(Erasure.id == erasure_id).with_for_update()).one()
    for table in owned_tables():
        some = select(*table.primary_key).where(table.c.user_id == erasure.user_number).limit(limit)
        swept = delete(table).where(table.c.user_id == erasure.user_number, tuple_(*table.primary_key).in_(some))
        count = num_rows(session.execute(swept))
        erasure.removed = erasure.removed | {table.name: erasure.removed[table.name] + count}
        if count == limit:
            return False
    erasure.finished = True
    return True


def unfinished(session: Session) -> Sequence[str]:
    """Return the receipts of users of whom rows may be left."""
    return session.scalars(select(Erasure.id).where(Erasure.finished.is_(False))).all()


def owned_tables() -> list[Table]:
    """Return the tables whose rows belong to users, referring tables before those they refer to."""
    return [table for table in reversed(Base.metadata.sorted_tables) if "user_id" in table.c]


def num_rows(result: Result[Any]) -> int:
    """Count the rows that a statement deleted."""
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
