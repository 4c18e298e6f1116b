"""The rules of model versions: publish, which one is live, activate, roll back, remove the old."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from app.catalogue.repository import forget_before
from app.kit.errors import UserNotFound, VersionNotFound, VersionRefused, VersionUnusable
from app.registry import repository
from app.tables import Activation, ActivationCause, ModelVersion

MAX_CLOCK_SKEW = timedelta(hours=1)  # between the clocks of the processes


@dataclass(frozen=True)
class Listing:
    """Versions with the activations of each, latest first, the name of the live one, and how many users were erased."""

    rows: list[ModelVersion]
    activations: dict[str, list[Activation]]
    live: str | None
    num_erased: dict[str, int]  # of the versions with any


@dataclass(frozen=True, kw_only=True)
class ActivationRequest:
    """A request to make a version live: who asks, why, and whether to overrule the gate."""

    actor: str | None = None
    reason: str | None = None
    force: bool = False


def publish(session: Session, *, activate: bool, now: datetime, **values: Any) -> ModelVersion:
    """Store a version's row (its folder lies there already) and, where the gate allows it, make it live."""
    version = ModelVersion(created_at=now, **values)
    repository.add(session, version)
    if activate:
        gate = Activation(version=version.version, cause=ActivationCause.GATE, activated_at=now)
        repository.add(session, gate)
    return version


def live_version(session: Session) -> ModelVersion | None:
    """Return the version that should serve; None before the first. Its files may still prove damaged."""
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
    return read_listing(session, repository.find_versions(session, before, limit))


def show_version(session: Session, version: str) -> Listing:
    """Read one version; raises `VersionNotFound`."""
    return read_listing(session, [get_version(session, version)])


def read_listing(session: Session, rows: list[ModelVersion]) -> Listing:
    """Read the activations of versions, and which one is live."""
    live = repository.find_live(session)
    versions = [row.version for row in rows]
    activations = repository.activations_of(session, versions)
    return Listing(rows, activations, live.version if live else None, repository.num_erased(session, versions))


def check_allowed(session: Session, version: str, *, force: bool) -> ActivationCause:
    """Return the cause of an activation: forced if the gate refused the version and it was never live.

    Raises:
        VersionNotFound: if there is no such version.
        VersionUnusable: if its files were removed.
        VersionRefused: if it has to be forced and is not.
    """
    row = get_usable(session, version)
    if row.gate.get("activated", True) or repository.was_live(session, version):
        return ActivationCause.MANUAL
    if not force:
        raise VersionRefused(
            f"Version {version!r} was {row.gate.get('reason', 'refused by the gate')}. Choose another, or activate it "
            'all the same: "force": true, or palate models activate --force.'
        )
    return ActivationCause.FORCED


def activate(session: Session, version: str, request: ActivationRequest, now: datetime) -> Listing:
    """Make a version live. The caller verifies its files first. Activating the live one changes nothing.

    Raises:
        VersionNotFound, VersionUnusable, VersionRefused: as `check_allowed`.
    """
    repository.lock_version(session, version)  # so that it is not being removed meanwhile
    cause = check_allowed(session, version, force=request.force)
    live = repository.find_live(session)
    if live is None or live.version != version:
        activation = Activation(
            version=version, cause=cause, activated_at=now, actor=request.actor, reason=request.reason
        )
        repository.add(session, activation)
    return show_version(session, version)


def get_user_number(session: Session, user_id: str) -> int:
    """Read the number under which versions hold a user, or raise `UserNotFound`."""
    if (number := repository.find_user(session, user_id)) is None:
        raise UserNotFound(f"There is no user {user_id!r}.")
    return number


def versions_of_user(session: Session, user_id: str) -> tuple[int, Listing]:
    """Read a user's number, and the versions whose files are kept; raises `UserNotFound`."""
    return get_user_number(session, user_id), read_listing(session, repository.kept_versions(session))


def remove_old(session: Session, keep: int, now: datetime) -> list[str]:
    """Mark all but the newest ``keep`` versions as removed; return their names, so that their folders can be deleted.

    The live version stays, and so does the one that was live before it: a roll back is always possible. So do the
    versions of a running experiment. The history of the catalogue from before the oldest of them is deleted.
    """
    kept = repository.kept_versions(session, lock=True)
    versions, experiment = repository.serving_versions(session, 2)  # after the lock: no other will serve from here on
    spared = {*versions, *((experiment.control, experiment.treatment) if experiment else ())}
    old = [row for row in kept[keep:] if row.version not in spared]
    for row in old:
        row.removed_at = now
    if old:  # no answer by a version that is kept was made before the oldest of them
        forget_before(session, min((row.created_at for row in kept if row not in old), default=now) - MAX_CLOCK_SKEW)
    return [row.version for row in old]
