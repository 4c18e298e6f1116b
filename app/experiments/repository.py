"""Every query about experiments."""

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.kit.errors import ExperimentRunning
from app.tables import Experiment


def add(session: Session, experiment: Experiment) -> None:
    """Store an experiment.

    Raises:
        ExperimentRunning: if another one is running.
    """
    session.add(experiment)
    try:
        session.flush()
    except IntegrityError as error:  # the index of running ones: the versions are there, and locked
        raise ExperimentRunning from error


def find(session: Session, number: int) -> Experiment | None:
    """Read an experiment."""
    return session.get(Experiment, number)


def lock(session: Session, number: int) -> Experiment | None:
    """Lock an experiment, waiting for a transaction that stops it."""
    query = select(Experiment).where(Experiment.id == number).with_for_update()
    return session.scalar(query.execution_options(populate_existing=True))


def find_all(session: Session, before: int | None, limit: int) -> list[Experiment]:
    """Read experiments, newest first."""
    query = select(Experiment).order_by(Experiment.id.desc()).limit(limit)
    return list(session.scalars(query if before is None else query.where(Experiment.id < before)))
