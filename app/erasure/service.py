"""The rules of erasing a user: what is deleted, what the receipt says, when no model holds the user any more.

A receipt has no id of the user. It names the versions that hold their number: those kept when the user was erased, and
those of runs that had read the ratings before. A run that reads the ratings later neither finds the user nor starts
from a version that holds them, so no version that it publishes does.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from itertools import takewhile
from pathlib import Path
from typing import Any
from uuid import uuid4

from sqlalchemy.orm import Session

from app.database import counters
from app.database.engine import Database
from app.erasure import repository
from app.erasure.repository import VersionRole
from app.idempotency.service import Answer, Once, begin, complete
from app.idempotency.service import find as find_answer
from app.keep_out.service import OFF, KeepOut, Kind
from app.kit.errors import ErasureNotFound, UserNotFound
from app.kit.times import from_us, now_us
from app.registry import repository as registry
from app.registry import store
from app.registry.service import versions_of_user
from app.registry.training_users import TrainingUsers, UserRole
from app.tables import Erasure, ErasureVersion

MAX_ROWS = 1_000  # of a step: some 10 ms


class State(StrEnum):
    """How far the models are free of an erased user."""

    PENDING = "pending"  # a version that serves holds the user, or a run in progress may have read their ratings
    CLEAN = "clean"  # no version that serves holds the user, but a kept one does
    PURGED = "purged"  # no kept version holds the user


@dataclass(frozen=True)
class RolesRead:
    """What was read of a user before the transaction: their number, and their role in each version."""

    number: int
    roles: Mapping[str, UserRole | None]


@dataclass(frozen=True)
class Receipt:
    """An erasure and its progress.

    Attributes:
        erasure: what was removed, and when.
        versions: the versions that hold the user, newest first, with the user's role.
        live: the version that is live.
        runs: runs in progress that may have read the ratings.
        experiments: running experiments with a version that holds the user.
        clean: the version that was live when no serving version held the user any more, and since when; None while one
            does.
    """

    erasure: Erasure
    versions: list[VersionRole]
    live: str | None
    runs: list[int]
    experiments: list[int]
    clean: tuple[str | None, datetime] | None

    @property
    def state(self) -> State:
        """How far the models are free of the user."""
        if self.clean is None:
            return State.PENDING
        return State.CLEAN if any(row.removed_at is None for row, _ in self.versions) else State.PURGED

    @property
    def purged_at(self) -> datetime | None:
        """When the last version that held the user was removed."""
        if self.state is not State.PURGED:
            return None
        removed = [row.removed_at for row, _ in self.versions if row.removed_at]
        return max([*removed, self.clean[1] if self.clean else self.erasure.erased_at])


async def erase_user(
    database: Database, model_store: Path, user_id: str, keep_out: KeepOut = OFF, *, once: Once | None = None
) -> Receipt:
    """Erase a user, after reading the versions' files, so that no other request waits for them.

    Raises:
        UserNotFound: if there is no such user, and `once` is not the request that erased them.
    """
    try:
        number, listing = await database.read(versions_of_user, user_id)
    except UserNotFound as error:
        if before := await database.read(find_answer, once):
            return await finish(database, before.subject or "")
        raise user_not_found(user_id) from error
    versions = [row.version for row in listing.rows]
    read = RolesRead(number, await asyncio.to_thread(store.roles_of, model_store, versions, number))
    options: dict[str, Any] = {"model_store": model_store, "now_us": now_us(), "keep_out": keep_out}
    erasure_id = await database.write(erase_once, once, user_id, read, options=options)
    return await finish(database, erasure_id)


def erase_once(
    session: Session, once: Once | None, user_id: str, read: RolesRead, *, options: Mapping[str, Any]
) -> str:
    """Begin an erasure, with the note of it, unless that was done before; return the receipt's id."""
    if before := begin(session, once):
        return before.subject or ""
    erasure_id = erase(session, user_id, read, **options).erasure.id
    complete(session, once, Answer(None, None, subject=erasure_id))
    return erasure_id


async def finish(database: Database, erasure_id: str) -> Receipt:
    """Delete what is left of an erased user, in steps, so that other writers wait for one step at most."""
    while not await database.write(repository.sweep, erasure_id, MAX_ROWS):
        pass
    await database.overwrite()
    return await database.read(get_receipt, erasure_id)


async def finish_all(database: Database) -> None:
    """Finish the erasures that stopped half way."""
    for erasure_id in await database.read(repository.unfinished):
        await finish(database, erasure_id)


def erase(
    session: Session, user_id: str, read: RolesRead, *, model_store: Path, now_us: int, keep_out: KeepOut = OFF
) -> Receipt:
    """Delete a user and their ratings, counting a change for each, and write the receipt; `finish` deletes the rest.

    From here on the user cannot be found, and no model learns from them. What is left, the history and what became of
    their recommendations, has their number only.

    Raises:
        UserNotFound: if there is no such user.
    """
    revision = counters.lock(session, "ratings")
    if (number := registry.find_user(session, user_id)) is None:
        raise user_not_found(user_id)
    revision += max(1, repository.count_ratings(session, number))
    counters.move(session, "ratings", revision)
    keep_out.note(session, Kind.USER, user_id, from_us(now_us))
    roles = current_roles(session, number, read, model_store)
    erasure = Erasure(
        id=uuid4().hex,
        user_number=number,
        revision=revision,
        erased_at=from_us(now_us),
        removed=repository.remove_user(session, number),
        finished=False,
    )
    versions = [ErasureVersion(erasure_id=erasure.id, version=version, part=role) for version, role in roles.items()]
    repository.add(session, erasure, versions)
    return get_receipt(session, erasure.id)


def user_not_found(user_id: str) -> UserNotFound:
    """Describe that there is no user to erase."""
    return UserNotFound(f"There is no user {user_id!r}. If the user was erased, GET /v1/erasures/ID shows the receipt.")


def current_roles(session: Session, number: int, read: RolesRead, model_store: Path) -> dict[str, UserRole]:
    """Return a user's role in every kept version that holds them, reading only the versions that `read` lacks."""
    known = read.roles if read.number == number else {}
    roles = {
        row.version: known[row.version] if row.version in known else store.role_of(model_store, row.version, number)
        for row in registry.kept_versions(session)
    }
    return {version: role for version, role in roles.items() if role is not None}


def add_published(session: Session, version: str, watermark: int, users: TrainingUsers) -> None:
    """Add a new version to the receipts of its users who were erased while it was trained."""
    counters.lock(session, "ratings")  # so that no user is erased between this query and the commit
    repository.add_versions(
        session,
        [
            ErasureVersion(erasure_id=erasure.id, version=version, part=role)
            for erasure in repository.erased_since(session, watermark)
            if (role := users.role_of(erasure.user_number))
        ],
    )


def get_receipt(session: Session, erasure_id: str) -> Receipt:
    """Read a receipt as of now, or raise `ErasureNotFound`."""
    if (erasure := repository.find(session, erasure_id)) is None:
        raise ErasureNotFound(f"There is no receipt {erasure_id!r}.")
    versions = repository.find_versions(session, erasure_id)
    runs = repository.runs_under_way(session, erasure.revision)
    live = registry.find_live(session)
    names = {row.version for row, _ in versions}
    experiments = repository.experiments_since(session, erasure.erased_at, names)
    running = [experiment.id for experiment in experiments if experiment.stopped_at is None]
    ended = [experiment.stopped_at for experiment in experiments if experiment.stopped_at is not None]
    clean = clean_since(session, names, [erasure.erased_at, *ended]) if not runs and not running else None
    return Receipt(erasure, versions, live.version if live else None, runs, running, clean)


def clean_since(session: Session, versions: set[str], ends: Sequence[datetime]) -> tuple[str | None, datetime] | None:
    """Return the live version as of when none that holds the user served any more, and when; None if one does.

    Args:
        session: a session of the database.
        versions: the names of the versions that hold the user.
        ends: when the user was erased, and when experiments of these versions were stopped since.
    """
    activations = repository.activations_since(session, ends[0])
    free = list(takewhile(lambda activation: activation.version not in versions, activations))
    if not free:
        return None if activations else (None, max(ends))
    since = max(free[-1].activated_at, *ends)
    return next(activation.version for activation in free if activation.activated_at <= since), since
