"""The rules of model versions: publish, which one is live, activate, roll back, remove the old."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from app.errors import VersionNotFound, VersionUnusable
from app.registry import repository
from app.tables import Activation, ModelVersion


@dataclass(frozen=True)
class Listing:
    """Versions with when each was last activated, and the name of the live one."""

    rows: list[ModelVersion]
    activated: dict[str, datetime]
    live: str | None


def publish(session: Session, *, activate: bool, now: datetime, **values: Any) -> ModelVersion:
    """Store a version's row (its folder lies there already) and, where the gate allows it, make it live."""
    version = ModelVersion(created_at=now, **values)
    repository.add(session, version)
    if activate:
        repository.add(session, Activation(version=version.version, cause="gate", activated_at=now))
    return version


def live_version(session: Session) -> ModelVersion | None:
    """Give the version that should serve; None before the first. Its files may still prove damaged."""
    return repository.find_live(session)


def get_version(session: Session, version: str) -> ModelVersion:
    """Read a version, or raise `VersionNotFound`."""
    if (row := repository.find_version(session, version)) is None:
        raise VersionNotFound(f"There is no model version {version!r}.")
    return row


def get_usable(session: Session, version: str) -> ModelVersion:
    """Read a version whose files were not removed; raises `VersionNotFound` or `VersionUnusable`."""
    row = get_version(session, version)
    if row.removed_at is not None:
        raise VersionUnusable(f"The files of {version!r} were removed at {row.removed_at.isoformat()}.")
    return row


def list_versions(session: Session, before: datetime | None, limit: int) -> Listing:
    """Read versions made before a moment, newest first."""
    return listed(session, repository.find_versions(session, before, limit))


def show_version(session: Session, version: str) -> Listing:
    """Read one version; raises `VersionNotFound`."""
    return listed(session, [get_version(session, version)])


def listed(session: Session, rows: list[ModelVersion]) -> Listing:
    """Read when each version was last activated, and which one is live."""
    live = repository.find_live(session)
    activated = repository.activations_of(session, [row.version for row in rows])
    return Listing(rows, activated, live.version if live else None)


def activate(session: Session, version: str, cause: str, now: datetime) -> Listing:
    """Make a version live. Its files are the caller's to verify first. Activating the live one changes nothing.

    Raises:
        VersionNotFound: if there is no such version.
        VersionUnusable: if its files were removed.
    """
    repository.lock_version(session, version)  # so that it is not being removed meanwhile
    get_usable(session, version)
    live = repository.find_live(session)
    if live is None or live.version != version:
        repository.add(session, Activation(version=version, cause=cause, activated_at=now))
    return show_version(session, version)


def remove_old(session: Session, keep: int, now: datetime) -> list[str]:
    """Mark all but the newest ``keep`` versions as removed, and name them, so that their folders can go.

    The live version stays, and so does the one that was live before it: a roll back is always possible.
    """
    kept = repository.kept_versions(session, lock=True)
    spared = set(repository.live_versions(session, 2))  # after the lock: none of them goes live from here on
    old = [row for row in kept[keep:] if row.version not in spared]
    for row in old:
        row.removed_at = now
    return [row.version for row in old]
