"""Every query about model versions and activations."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from app.tables import Activation, ErasureVersion, Experiment, ExperimentState, ModelVersion, User


def find_live(session: Session) -> ModelVersion | None:
    """Read the version that the latest activation names."""
    latest = select(Activation.version).order_by(Activation.id.desc()).limit(1).scalar_subquery()
    return session.scalar(select(ModelVersion).where(ModelVersion.version == latest))


def live_versions(session: Session, limit: int) -> list[str]:
    """Return the names of the live version and those that were live before it, latest first, each once."""
    newest = func.max(Activation.id)
    return list(
        session.scalars(select(Activation.version).group_by(Activation.version).order_by(newest.desc()).limit(limit))
    )


def activations_of(session: Session, versions: Sequence[str]) -> dict[str, list[Activation]]:
    """Read the activations of versions, each one's latest first."""
    found: dict[str, list[Activation]] = {}
    query = select(Activation).where(Activation.version.in_(versions)).order_by(Activation.id.desc())
    for row in session.scalars(query):
        found.setdefault(row.version, []).append(row)
    return found


def num_erased(session: Session, versions: Sequence[str]) -> dict[str, int]:
    """Count the users of versions who were erased since; versions without any are left out."""
    query = select(ErasureVersion.version, func.count()).where(ErasureVersion.version.in_(versions))
    return {row[0]: row[1] for row in session.execute(query.group_by(ErasureVersion.version))}


def was_live(session: Session, version: str) -> bool:
    """Return whether a version ever was live."""
    return session.scalar(select(Activation.id).where(Activation.version == version).limit(1)) is not None


def has_served(session: Session, version: str) -> bool:
    """Return whether a version ever served: it was live, or in an experiment."""
    used = select(Experiment.id).where(or_(Experiment.control == version, Experiment.treatment == version)).limit(1)
    return was_live(session, version) or session.scalar(used) is not None


def find_running(session: Session) -> Experiment | None:
    """Read the experiment that is running."""
    return session.scalar(select(Experiment).where(Experiment.state == ExperimentState.RUNNING))


def serving_versions(session: Session, limit: int) -> tuple[list[str], Experiment | None]:
    """Return the names of `live_versions`, and the running experiment, whose versions serve beside the live one."""
    return live_versions(session, limit), find_running(session)


def find_user(session: Session, user_id: str) -> int | None:
    """Return the number of a user."""
    return session.scalar(select(User.id).where(User.external_id == user_id))


def find_version(session: Session, version: str) -> ModelVersion | None:
    """Read one version."""
    return session.get(ModelVersion, version)


def lock_version(session: Session, version: str) -> ModelVersion | None:
    """Lock one version, waiting for a transaction that changes it."""
    query = select(ModelVersion).where(ModelVersion.version == version).with_for_update()
    return session.scalar(query.execution_options(populate_existing=True))


def find_versions(session: Session, before: datetime | None, limit: int) -> list[ModelVersion]:
    """Read versions, newest first."""
    query = select(ModelVersion).order_by(ModelVersion.created_at.desc(), ModelVersion.version.desc()).limit(limit)
    if before is not None:
        query = query.where(ModelVersion.created_at < before)
    return list(session.scalars(query))


def kept_versions(session: Session, *, lock: bool = False) -> list[ModelVersion]:
    """Read (and lock) the versions whose files are kept, newest first."""
    query = select(ModelVersion).where(ModelVersion.removed_at.is_(None))
    query = query.order_by(ModelVersion.created_at.desc(), ModelVersion.version.desc())
    return list(session.scalars(query.with_for_update() if lock else query))


def add(session: Session, row: ModelVersion | Activation) -> None:
    """Store a version or an activation."""
    session.add(row)
    session.flush()
