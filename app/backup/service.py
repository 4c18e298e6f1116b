"""Backup and restore: the database as of one moment, and the model versions that it names."""

import asyncio
import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple, TypeVar

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from app.backup import archive
from app.backup.archive import BackupUnusable, Manifest, Progress
from app.backup.dumps import dump_of
from app.database import migrate
from app.database.engine import open_database
from app.kit.errors import SchemaOutdated
from app.kit.times import now_us
from app.registry.store import GRAM, RUNS
from app.settings import Settings
from app.tables import ModelVersion, Restore

MODELS = "models"
T = TypeVar("T")


class Restored(NamedTuple):
    """What became of a backup: what it holds, and the versions whose folders are nowhere."""

    manifest: Manifest
    missing: list[str]


def back_up(settings: Settings, file: Path, progress: Progress) -> Manifest:
    """Write a backup while servers and workers go on.

    Raises:
        BackupUnusable: if it cannot be written.
        DatabaseUnavailable, SchemaOutdated: if the database cannot be read.
    """
    dump = dump_of(settings.database_url)
    beside = settings.model_store if file == archive.STANDARD else file.parent  # /tmp may be memory
    with archive.create(file, progress) as writer, TemporaryDirectory(dir=beside, prefix=".backup-") as folder:
        schema = ask(settings, read_schema)
        taken_at_us = now_us()  # before the snapshot: what happens meanwhile may be in it, or not
        dump.write(Path(folder) / dump.name)
        writer.add_file(Path(folder) / dump.name, dump.name)
        found, missing = [], []
        for version in ask(settings, kept_versions):
            if (settings.model_store / version).is_dir():
                writer.add_folder(settings.model_store / version, f"{MODELS}/{version}")
                found.append(version)
            else:
                missing.append(version)
        manifest = Manifest(
            dialect=dump.dialect, schema=schema, taken_at_us=taken_at_us, versions=found, missing=missing
        )
        writer.finish(manifest)
    return manifest


def restore(settings: Settings, file: Path, progress: Progress, *, replace: bool = False) -> Restored:
    """Put a backup in the place of the database and the model store that the settings name.

    Raises:
        BackupUnusable: if it is damaged, or of another kind of database; nothing is changed then.
        InUse, NotEmpty: if the database is not free for it.
    """
    dump = dump_of(settings.database_url)
    settings.model_store.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=settings.model_store, prefix=".restore-") as name:
        folder = Path(name)
        manifest = archive.unpack(file, folder, progress)
        check(manifest, dump.dialect)
        dump.check_target(replace=replace)
        dump.read(folder / dump.name)
        for version in manifest.versions:
            shutil.rmtree(settings.model_store / version, ignore_errors=True)
            (folder / MODELS / version).rename(settings.model_store / version)
    for left in (RUNS, GRAM):  # of a later state of the ratings
        shutil.rmtree(settings.model_store / left, ignore_errors=True)
    versions = ask(settings, finish, manifest.taken_at_us)
    return Restored(manifest, [version for version in versions if not (settings.model_store / version).is_dir()])


def check(manifest: Manifest, dialect: str) -> None:
    """Check that this version can restore a backup into a database of this kind.

    Raises:
        BackupUnusable: saying what can.
    """
    if manifest.dialect != dialect:
        raise BackupUnusable(
            f"The backup is of {manifest.dialect}, and the database is {dialect}: to move from one to the other, "
            "use `palate export` and `palate import`."
        )
    if manifest.schema not in migrate.known_revisions():
        raise BackupUnusable("The backup is of a later version of Palate: restore it with that version.")


def finish(session: Session, taken_at_us: int) -> list[str]:
    """Bring the restored tables up to date and note what was undone; return the versions that are kept."""
    migrate.upgrade(session)
    session.add(Restore(taken_at_us=taken_at_us, restored_at_us=now_us()))
    return kept_versions(session)


def read_schema(session: Session) -> str:
    """Return the newest migration of a database that this version can serve.

    Raises:
        SchemaOutdated: if it cannot.
    """
    if not migrate.find_schema(session).can_serve:
        raise SchemaOutdated
    return str(session.scalar(text("SELECT version_num FROM alembic_version")))


def kept_versions(session: Session) -> list[str]:
    """Return the versions whose folders should be there."""
    query = select(ModelVersion.version).where(ModelVersion.removed_at.is_(None))
    return list(session.scalars(query.order_by(ModelVersion.version)))


def ask(settings: Settings, work: Callable[..., T], *args: object) -> T:
    """Run one piece of work on the database."""

    async def run() -> T:
        database = open_database(settings.database_url, 1)
        try:
            write: Callable[..., Awaitable[T]] = database.write
            return await write(work, *args)
        finally:
            await database.close()

    return asyncio.run(run())
