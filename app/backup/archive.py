"""The file of a backup: a tar archive of a database's dump and of model folders, and the list of their SHA-256."""

import hashlib
import io
import os
import sys
import tarfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from pathlib import Path, PurePosixPath
from typing import IO

import msgspec

from app.kit.errors import PalateError

MANIFEST = "manifest.json"
FORMAT = 1
STANDARD = Path("-")  # input or output
CHUNK_BYTES = 1 << 20
Progress = Callable[[int], None]  # the bytes of another piece


class BackupUnusable(PalateError):
    """The file is no whole backup of Palate."""


class Manifest(msgspec.Struct, kw_only=True):
    """What a backup holds.

    Attributes:
        format: of this archive.
        dialect: of the database, `sqlite` or `postgresql`.
        schema: its newest migration.
        taken_at_us: the moment of the snapshot, in microseconds since 1970.
        versions: the model versions whose folders are in it.
        missing: the versions whose folders were not there.
        sums: SHA-256 of each file, by its name in the archive.
    """

    format: int = FORMAT
    dialect: str
    schema: str
    taken_at_us: int
    versions: list[str]
    missing: list[str]
    sums: dict[str, str] = {}


class Writer:
    """Adds files to an archive."""

    def __init__(self, tar: tarfile.TarFile, progress: Progress) -> None:
        self._tar, self._progress = tar, progress
        self._sums: dict[str, str] = {}

    def add_file(self, path: Path, name: str) -> None:
        """Add a file under a name."""
        with path.open("rb") as stream:
            counted = Counted(stream, self._progress)
            entry = tarfile.TarInfo(name)
            entry.size, entry.mtime, entry.mode = path.stat().st_size, int(path.stat().st_mtime), 0o600
            self._tar.addfile(entry, counted)
        self._sums[name] = counted.sum.hexdigest()

    def add_folder(self, folder: Path, name: str) -> None:
        """Add the files of a folder."""
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                self.add_file(path, f"{name}/{path.relative_to(folder).as_posix()}")

    def finish(self, manifest: Manifest) -> None:
        """Add the list of what was added."""
        manifest.sums = self._sums
        data = msgspec.json.encode(manifest)
        entry = tarfile.TarInfo(MANIFEST)
        entry.size = len(data)
        self._tar.addfile(entry, io.BytesIO(data))


class Counted:
    """A stream that sums up what is read from it."""

    def __init__(self, stream: IO[bytes], progress: Progress) -> None:
        self._stream, self._progress = stream, progress
        self.sum = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        """Read a piece."""
        data = self._stream.read(size)
        self.sum.update(data)
        self._progress(len(data))
        return data


@contextmanager
def create(file: Path, progress: Progress) -> Iterator[Writer]:
    """Create an archive, `-` being standard output; a file has its name only once it is whole and on the disk.

    Raises:
        BackupUnusable: if there is such a file, or it cannot be written.
    """
    if file == STANDARD:
        with tarfile.open(fileobj=sys.stdout.buffer, mode="w|") as tar:
            yield Writer(tar, progress)
        return
    if file.exists():
        raise BackupUnusable(f"{file} is there already: name another file.")
    part = file.with_name(file.name + ".part")
    try:
        with part.open("wb") as stream:
            with tarfile.open(fileobj=stream, mode="w") as tar:
                yield Writer(tar, progress)
            stream.flush()
            os.fsync(stream.fileno())
        part.rename(file)
    except OSError as error:
        raise BackupUnusable(f"{file} cannot be written: {(error.strerror or str(error)).lower()}.") from error
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)


def unpack(file: Path, folder: Path, progress: Progress) -> Manifest:
    """Write the files of an archive into an empty folder, and check their sums.

    Raises:
        BackupUnusable: if it is no backup, not whole, or altered.
    """
    sums: dict[str, str] = {}
    manifest: Manifest | None = None
    try:
        with open_input(file) as stream, tarfile.open(fileobj=stream, mode="r|") as tar:
            for entry in tar:
                source = tar.extractfile(entry) if entry.isfile() else None
                if source is None or not is_inside(entry.name):
                    raise BackupUnusable(f"{file} is no backup of Palate: it holds {entry.name!r}.")
                counted = Counted(source, progress)
                if entry.name == MANIFEST:
                    manifest = msgspec.json.decode(counted.read(), type=Manifest)
                else:
                    write(counted, folder / entry.name)
                    sums[entry.name] = counted.sum.hexdigest()
    except (tarfile.TarError, msgspec.DecodeError, EOFError) as error:
        raise BackupUnusable(f"{file} is no whole backup of Palate: {error}.") from error
    except OSError as error:
        raise BackupUnusable(f"{file} cannot be read: {(error.strerror or str(error)).lower()}.") from error
    if manifest is None:
        raise BackupUnusable(f"{file} is no whole backup of Palate: its list of files is missing.")
    if manifest.format > FORMAT:
        raise BackupUnusable(f"{file} was written by a later version of Palate: restore it with that version.")
    if wrong := sorted(name for name in {*sums, *manifest.sums} if sums.get(name) != manifest.sums.get(name)):
        raise BackupUnusable(f"{file} is damaged: {wrong[0]} is not what was backed up. Nothing was restored.")
    return manifest


def open_input(file: Path) -> AbstractContextManager[IO[bytes]]:
    """Open the file, or standard input."""
    return nullcontext(sys.stdin.buffer) if file == STANDARD else file.open("rb")


def is_inside(name: str) -> bool:
    """Return whether a member stays inside of the folder that it is unpacked into."""
    path = PurePosixPath(name)
    return not path.is_absolute() and ".." not in path.parts


def write(source: Counted, path: Path) -> None:
    """Write a file from a stream."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as target:
        while data := source.read(CHUNK_BYTES):
            target.write(data)
