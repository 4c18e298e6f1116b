"""The files of the registry: folders of versions, their names, and the removal of leftovers. `service` has the rows."""

import shutil
from collections.abc import Callable, Collection, Iterable
from datetime import UTC, datetime
from pathlib import Path
from time import time

from app.kit.errors import VersionUnusable
from app.registry.training_users import FILE, TrainingUsers, UserRole
from models import checkpoint
from models.checkpoint import DamagedModel, Loaded

RUNS = ".runs"  # checkpoints of the runs under way
GRAM = ".gram"  # what `linear` keeps between runs
LEFTOVER_S = 3_600  # a folder without a row that has not been touched for so long was left by a crash


def new_name(store: Path, kind: str, now: datetime) -> str:
    """Name a version that does not exist yet, e.g. ``2026-11-23T10-15-00Z-linear``."""
    name = f"{now.astimezone(UTC):%Y-%m-%dT%H-%M-%SZ}-{kind}"
    number, free = 1, name
    while (store / free).exists():
        number += 1
        free = f"{name}-{number}"
    return free


def write_new(store: Path, kind: str, now: datetime, write: Callable[[Path], None]) -> Path:
    """Write a folder under a new name, or under the next one if another worker takes it meanwhile; return its path."""
    while True:
        folder = store / new_name(store, kind, now)
        try:
            write(folder)
        except OSError:
            if not folder.exists():
                raise
        else:
            return folder


def load(store: Path, version: str) -> Loaded:
    """Load a version after checking it.

    Raises:
        VersionUnusable: if its files are gone or damaged; the detail says which.
    """
    try:
        return checkpoint.load(store / version)
    except DamagedModel as error:
        raise VersionUnusable(f"Model version {version!r} cannot be used: {error}.") from error
    except (KeyError, TypeError, RuntimeError) as error:  # whole, but its tensors or figures are not those of this kind
        raise VersionUnusable(f"Model version {version!r} was written by another version of Palate.") from error


def verify(store: Path, version: str) -> None:
    """Check that a version's files are whole; raises `VersionUnusable`."""
    load(store, version)


def training_users(store: Path, version: str) -> TrainingUsers:
    """Read the users whose ratings a version was trained, validated or judged with.

    Raises:
        VersionUnusable: if its files are gone or damaged, or do not list them.
    """
    try:
        return TrainingUsers.from_tensors(checkpoint.load_beside(store / version, FILE))
    except DamagedModel as error:
        raise VersionUnusable(f"The training users of {version!r} cannot be read: {error}.") from error


def role_of(store: Path, version: str, user: int) -> UserRole | None:
    """Return the role of a user, by number, in a version; None if they have none."""
    try:
        return training_users(store, version).role_of(user)
    except VersionUnusable:
        return UserRole.UNKNOWN


def roles_of(store: Path, versions: Iterable[str], user: int) -> dict[str, UserRole | None]:
    """Return the role of a user in each of several versions."""
    return {version: role_of(store, version, user) for version in versions}


def num_bytes(folder: Path) -> int:
    """Add up a folder's files."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def delete(store: Path, version: str) -> None:
    """Remove a version's folder."""
    shutil.rmtree(store / version, ignore_errors=True)


def run_folder(store: Path, run_id: int) -> Path:
    """Return where the checkpoints of a run lie."""
    return store / RUNS / str(run_id)


def forget_run(folder: Path) -> None:
    """Remove what earlier attempts of a run left; raises `OSError` if something stays."""
    if folder.exists():
        shutil.rmtree(folder)


def clear_leftovers(store: Path, versions: Collection[str], pending_runs: Collection[int]) -> list[str]:
    """Remove what crashes left behind: half-written folders, folders that never got a row, checkpoints of ended runs.

    Args:
        store: the model store.
        versions: every version that has a row and files.
        pending_runs: the runs that are queued or running.

    Returns:
        the names of what was removed.
    """
    known = {RUNS, GRAM, *versions}
    strangers = [path for path in entries(store) if path.name not in known]
    strangers += [path for path in entries(store / RUNS) if path.name not in set(map(str, pending_runs))]
    old = [path for path in strangers if path.is_dir() and looks_ours(path) and age_s(path) > LEFTOVER_S]
    for path in old:
        shutil.rmtree(path, ignore_errors=True)
    return [path.name for path in old]


def looks_ours(path: Path) -> bool:
    """Return whether a folder is one that publishing or training makes; no other is ever removed."""
    return path.parent.name == RUNS or path.name.endswith(".tmp") or (path / checkpoint.MANIFEST).is_file()


def entries(folder: Path) -> list[Path]:
    """List a folder that may be missing."""
    return sorted(folder.iterdir()) if folder.is_dir() else []


def age_s(path: Path) -> float:
    """Return how long ago a folder was changed; 0 if it has just gone."""
    try:
        return time() - path.stat().st_mtime
    except FileNotFoundError:
        return 0.0
