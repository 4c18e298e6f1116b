"""Everything that runs in a trial: the database, relays before it, API processes and workers."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.chaos.processes import PalateProcess, clean_environment, free_port
from benchmarks.chaos.servers import Disk, PostgresServer, Server, start_server
from tests.relay import Relay, relay

NUM_WORKERS = 2

SETTINGS = {
    "PALATE_LOG_FORMAT": "json",
    "PALATE_MODEL_KIND": "linear",
    "PALATE_POLL_INTERVAL": "0.5",
    "PALATE_TRAIN_INTERVAL": "15",
    "PALATE_TRAIN_LEASE": "3",
}


@dataclass(frozen=True)
class World:
    """What faults are done to."""

    server: Server
    disk: Disk
    relays: list[Relay]
    apis: list[PalateProcess]
    workers: list[PalateProcess]
    addresses: list[str]
    store: Path

    @property
    def processes(self) -> list[PalateProcess]:
        """All processes of Palate."""
        return [*self.apis, *self.workers]

    @property
    def postgres(self) -> PostgresServer:
        """The server, where it is PostgreSQL."""
        assert isinstance(self.server, PostgresServer)
        return self.server


@contextmanager
def start_world(kind: str, folder: Path, settings: dict[str, str] | None = None) -> Iterator[World]:
    """Start everything, with some settings of its own, and stop it in the end."""
    with ExitStack() as stack:
        server, disk = stack.enter_context(start_server(kind, folder))
        num_apis = 2 if server.is_postgresql else 1
        relays = [stack.enter_context(relay(server.url)) for _ in range(num_apis if server.is_postgresql else 0)]
        urls = [each.url for each in relays] or [server.url]
        store = folder / "models"
        migrate(server.url, folder)
        ports = [free_port() for _ in urls]
        apis = [
            PalateProcess(
                f"api-{n}", "serve", folder, variables(url, store) | (settings or {}) | {"PALATE_PORT": str(port)}
            )
            for n, (url, port) in enumerate(zip(urls, ports, strict=True))
        ]
        workers = [
            PalateProcess(f"worker-{n}", "worker", folder, variables(server.url, store) | (settings or {}))
            for n in range(NUM_WORKERS)
        ]
        addresses = [f"http://127.0.0.1:{port}" for port in ports]
        for process in (*apis, *workers):
            stack.callback(process.terminate)
            stack.callback(process.thaw)
            process.start()
        yield World(server, disk, relays, apis, workers, addresses, store)


def variables(url: str, store: Path) -> dict[str, str]:
    """Return the settings of a process."""
    return SETTINGS | {"PALATE_DATABASE_URL": url, "PALATE_MODEL_STORE": str(store), "PALATE_HOST": "127.0.0.1"}


def migrate(url: str, folder: Path) -> None:
    """Make the tables."""
    environment = clean_environment() | variables(url, folder / "models")
    subprocess.run([sys.executable, "-m", "app.cli", "migrate"], env=environment, cwd=folder, check=True)
