"""The file that takes the lines of the processes that `palate up` starts."""

import os
import shutil
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from app.settings import Settings

MAX_BYTES = 10_000_000  # of the file, and of the one before it
NUM_LAST_LINES = 10
MAX_TAIL_BYTES = 64_000


class LogFile:
    """A file that processes append to. When it grows too large, it is kept as `NAME.1` and started again."""

    def __init__(self, path: Path) -> None:
        """Open the file.

        Raises:
            OSError: if it cannot be written.
        """
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        self.stream = path.open("ab", buffering=0)  # O_APPEND: what follows a truncation starts at 0
        self._start = 0
        self.trim()
        self.stream.write(f"--- palate up, {datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ} ---\n".encode())
        self._start = self.stream.tell()

    def trim(self) -> None:
        """Start again if the file is too large. Processes write on, so a few lines may be lost between the two."""
        if os.fstat(self.stream.fileno()).st_size > MAX_BYTES:
            shutil.copyfile(self.path, self.path.with_name(self.path.name + ".1"))
            self.stream.truncate(0)
            self._start = 0

    def close(self) -> None:
        """Close the file; processes that have it open write on."""
        self.stream.close()

    def last_lines(self) -> Sequence[str]:
        """Return the last lines since this start."""
        with self.path.open("rb") as stream:
            size = stream.seek(0, os.SEEK_END)
            stream.seek(max(self._start, size - MAX_TAIL_BYTES))
            return stream.read().decode(errors="replace").splitlines()[-NUM_LAST_LINES:]


def log_path(settings: Settings) -> Path:
    """Return where the log of this instance is: beside the model store, one a port."""
    return settings.model_store.parent / "log" / f"palate-{settings.port}.log"
