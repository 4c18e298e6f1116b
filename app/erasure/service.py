"""The rules of erasing a user: what goes, what the receipt says, when no model holds him any more.

A receipt has no id of his. It names the versions that hold him by number: those kept when he was erased, and those of
runs that had read his ratings before. A run that reads the ratings later neither finds him nor goes on from a version
that holds him, so whatever it publishes is free of him.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from itertools import takewhile
from pathlib import Path
from uuid import uuid4

from sqlalchemy.orm import Session

from app.database import counters
from app.database.engine import Database
from app.erasure import repository
from app.erasure.repository import Held
from app.kit.errors import ErasureNotFound, UserNotFound
from app.kit.times import from_us, now_us
from app.registry import repository as registry
from app.registry import store
from app.registry.service import kept_with_user
from app.registry.training_users import TrainingUsers, UserRole
from app.tables import Erasure, ErasureVersion


class State(StrEnum):
    """How far the models are free of an erased user."""

    PENDING = "pending"  # a version that serves holds him, or a run under way may have read his ratings
    CLEAN = "clean"  # no version that serves holds him; one that is kept does
    PURGED = "purged"  # no version that is kept holds him


@dataclass(frozen=True)
class Seen:
    """What the files of versions said of a user when they were read: his number, his part in each."""

    number: int
    parts: Mapping[str, UserRole | None]


@dataclass(frozen=True)
class Receipt:
    """An erasure and what has become of it.

    Attributes:
        erasure: what was removed, and when.
        held: the versions that hold him, newest first, with his part.
        live: the version that is live.
        runs: runs under way that may have read his ratings.
        experiments: running experiments of which a version holds him.
        clean: what was live when no version that serves held him any more, and since when; None while one does.
    """

    erasure: Erasure
    held: list[Held]
    live: str | None
    runs: list[int]
    experiments: list[int]
    clean: tuple[str | None, datetime] | None

    @property
    def state(self) -> State:
        """How far the models are free of him."""
        if self.clean is None:
            return State.PENDING
        return State.CLEAN if any(row.removed_at is None for row, _ in self.held) else State.PURGED

    @property
    def purged_at(self) -> datetime | None:
        """When the last version that held him was removed."""
        if self.state is not State.PURGED:
            return None
        removed = [row.removed_at for row, _ in self.held if row.removed_at]
        return max([*removed, self.clean[1] if self.clean else self.erasure.erased_at])


async def erase_user(database: Database, model_store: Path, user_id: str) -> Receipt:
    """Erase a user: one transaction, before which the versions' files are read, so that nobody waits for them.

    Raises:
        UserNotFound: if there is no such user.
    """
    try:
        number, listing = await database.read(kept_with_user, user_id)
    except UserNotFound as error:
        raise unknown(user_id) from error
    versions = [row.version for row in listing.rows]
    seen = Seen(number, await asyncio.to_thread(store.parts_of, model_store, versions, number))
    receipt = await database.write(erase, user_id, seen, model_store, now_us())
    await database.overwrite()
    return receipt


def erase(session: Session, user_id: str, seen: Seen, model_store: Path, now_us: int) -> Receipt:
    """Remove a user with all that is his, as a change of each of his ratings, and write the receipt.

    Raises:
        UserNotFound: if there is no such user.
    """
    revision = counters.lock(session, "ratings")
    if (number := registry.find_user(session, user_id)) is None:
        raise unknown(user_id)
    revision += max(1, repository.count_ratings(session, number))
    counters.move(session, "ratings", revision)
    parts = parts_now(session, number, seen, model_store)
    erasure = Erasure(
        id=uuid4().hex,
        user_number=number,
        revision=revision,
        erased_at=from_us(now_us),
        removed=repository.remove_user(session, number),
    )
    held = [ErasureVersion(erasure_id=erasure.id, version=version, part=part) for version, part in parts.items()]
    repository.add(session, erasure, held)
    return get_receipt(session, erasure.id)


def unknown(user_id: str) -> UserNotFound:
    """Say that nobody is there to erase."""
    return UserNotFound(
        f"There is no user {user_id!r}. If he was erased, GET /v1/erasures/ID shows what has come of it."
    )


def parts_now(session: Session, number: int, seen: Seen, model_store: Path) -> dict[str, UserRole]:
    """Tell a user's part in every kept version that holds him; only what came after `Seen` is read here."""
    known = seen.parts if seen.number == number else {}
    parts = {
        row.version: known[row.version] if row.version in known else store.part_of(model_store, row.version, number)
        for row in registry.kept_versions(session)
    }
    return {version: part for version, part in parts.items() if part is not None}


def note_published(session: Session, version: str, watermark: int, holdings: TrainingUsers) -> None:
    """Name a new version in the receipts of those whom it holds and who were erased while it was made."""
    counters.lock(session, "ratings")  # so that nobody is erased between this look and the commit
    repository.add_versions(
        session,
        [
            ErasureVersion(erasure_id=erasure.id, version=version, part=part)
            for erasure in repository.since(session, watermark)
            if (part := holdings.part_of(erasure.user_number))
        ],
    )


def get_receipt(session: Session, erasure_id: str) -> Receipt:
    """Read a receipt as of now, or raise `ErasureNotFound`."""
    if (erasure := repository.find(session, erasure_id)) is None:
        raise ErasureNotFound(f"There is no receipt {erasure_id!r}.")
    held = repository.find_held(session, erasure_id)
    runs = repository.runs_under_way(session, erasure.revision)
    live = registry.find_live(session)
    versions = {row.version for row, _ in held}
    experiments = repository.experiments_since(session, erasure.erased_at, versions)
    running = [experiment.id for experiment in experiments if experiment.stopped_at is None]
    ended = [experiment.stopped_at for experiment in experiments if experiment.stopped_at is not None]
    clean = clean_since(session, versions, [erasure.erased_at, *ended]) if not runs and not running else None
    return Receipt(erasure, held, live.version if live else None, runs, running, clean)


def clean_since(session: Session, held: set[str], ends: Sequence[datetime]) -> tuple[str | None, datetime] | None:
    """Return what was live when none that holds a user served any more, and when that was; None if the live one does.

    Args:
        session: of the database.
        held: the versions that hold him.
        ends: when he was erased; when experiments of these versions were stopped since.
    """
    lately = repository.activations_since(session, ends[0])
    free = list(takewhile(lambda activation: activation.version not in held, lately))
    if not free:
        return None if lately else (None, max(ends))
    since = max(free[-1].activated_at, *ends)
    return next(activation.version for activation in free if activation.activated_at <= since), since
