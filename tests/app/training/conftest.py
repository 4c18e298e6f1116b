"""Workers, as threads and as real processes, and a taste that is easy to learn."""

import asyncio
import signal
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import monotonic, sleep
from typing import Any, TypeVar

import numpy as np
import pytest
import torch
from sqlalchemy import insert, update
from sqlalchemy.orm import Session
from structlog.testing import capture_logs

from app.database.engine import open_database
from app.settings import Settings
from app.tables import Counter, Item, Rating, RunCause, User
from app.training import service
from app.training.service import Progress
from app.worker import work
from tests.processes import ForkedProcess, environment, fork

T = TypeVar("T")
NUM_ITEMS = 60
NUM_USERS = 200
PATIENCE_S = 120.0  # a test that waits for longer has failed; on a busy machine none is near it
NEVER = 1_000_000_000
QUICK: dict[str, Any] = {
    "poll_interval": timedelta(seconds=0.1),
    "train_lease": timedelta(seconds=2),
    "train_min_changes": NEVER,
    "train_changes": NEVER,
    "train_patience": NEVER,
}


def store_ratings(session: Session, num_users: int, num_items: int = NUM_ITEMS, per_user: int = 20) -> None:
    """Store users who like the items of their own group of three and dislike the rest."""
    generator, now = np.random.default_rng(0), datetime.now(UTC)
    item = {"categories": [], "attributes": {}, "active": True, "created_at": now, "updated_at": now, "revision": 0}
    session.execute(insert(Item), [{"id": i + 1, "external_id": f"item-{i}", **item} for i in range(num_items)])
    users = [{"id": u + 1, "external_id": f"user-{u}", "created_at": now} for u in range(num_users)]
    session.execute(insert(User), users)
    cells = [(u, int(i)) for u in range(num_users) for i in generator.choice(num_items, per_user, replace=False)]
    ratings = [
        {"user_id": u + 1, "item_id": i + 1, "value": 5.0 if i % 3 == u % 3 else 1.5, "rated_at_us": 1, "revision": n}
        for n, (u, i) in enumerate(cells, 1)
    ]
    session.execute(insert(Rating), ratings)
    session.execute(update(Counter).where(Counter.name == "ratings").values(value=len(ratings)))


class WorkerThread:
    """A worker in this process, with an event loop and a database of its own."""

    def __init__(self, settings: Settings) -> None:
        self.loop = asyncio.new_event_loop()
        self.shutdown = asyncio.Event()
        self.thread = threading.Thread(target=self.run, args=(settings,))
        self.thread.start()

    def run(self, settings: Settings) -> None:
        with asyncio.Runner(loop_factory=lambda: self.loop) as runner:
            runner.run(work(settings, self.shutdown))

    def stop(self) -> None:
        if self.thread.is_alive():
            self.loop.call_soon_threadsafe(self.shutdown.set)
        self.thread.join()


class Instance:
    """One instance of Palate: a migrated database, a model store, and workers beside."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.runner = asyncio.Runner()
        self.database = open_database(settings.database_url, 2)
        self.threads: list[WorkerThread] = []
        self.processes: list[ForkedProcess] = []
        self.log = settings.model_store.parent / "worker.log"
        self.log.touch()

    def read(self, function: Callable[..., T], *args: Any) -> T:
        return self.runner.run(self.database.read(function, *args))

    def write(self, function: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        return self.runner.run(self.database.write(function, *args, **kwargs))

    def request(self, kind: str = "denoising", **options: Any) -> int:
        run = self.write(
            service.request_run, self.settings, RunCause.MANUAL, datetime.now(UTC), kind=kind, options=options
        )
        return run.id

    def progress(self, run_id: int) -> Progress:
        return self.read(service.get_progress, run_id)

    def start_worker(self, **settings: Any) -> WorkerThread:
        worker = WorkerThread(self.settings.model_copy(update=QUICK | settings))
        self.threads.append(worker)
        return worker

    def start_process(self, **settings: Any) -> ForkedProcess:
        variables = {f"PALATE_{name.upper()}": as_text(value) for name, value in (QUICK | settings).items()}
        with self.log.open("ab") as log:
            worker = fork(
                ("worker",), environment(self.settings) | variables, stdout=log, stderr=log, folder=Path.cwd()
            )
        self.processes.append(worker)
        return worker

    def start_run_in_a_process(self, **options: Any) -> tuple[int, ForkedProcess]:
        """Start a run that takes a while: its number, and the worker that has trained some epochs of it."""
        run_id = self.request(**options)
        worker = self.start_process()
        self.wait_for_epoch(run_id, 3)
        return run_id, worker

    def wait_until(self, what: Callable[[], T | None]) -> T:
        """Wait until something is true, and give it."""
        end = monotonic() + PATIENCE_S
        while monotonic() < end:
            if found := what():
                return found
            sleep(0.05)
        pytest.fail(f"waited for {PATIENCE_S} s in vain; the workers said:\n{self.output()[-5000:]}")

    def wait_for_end(self, run_id: int) -> Progress:
        def ended() -> Progress | None:
            progress = self.progress(run_id)
            return progress if progress.run.state in service.ENDED else None

        return self.wait_until(ended)

    def wait_for_epoch(self, run_id: int, epoch: int) -> None:
        self.wait_until(lambda: self.progress(run_id).run.epoch >= epoch)

    def output(self) -> str:
        return self.log.read_text()

    def close(self) -> None:
        for worker in self.threads:
            worker.stop()
        for process in self.processes:
            if process.poll() is None:
                process.send_signal(signal.SIGCONT)
                process.kill()
            process.wait()
        self.runner.run(self.database.close())
        self.runner.close()


def as_text(setting: Any) -> str:
    """Write a setting as an environment variable."""
    return str(setting.total_seconds() if isinstance(setting, timedelta) else setting)


@pytest.fixture
def instance(settings: Settings) -> Iterator[Instance]:
    """An instance with users of three tastes."""
    torch.set_num_threads(1)
    instance = Instance(settings)
    instance.write(store_ratings, NUM_USERS)
    yield instance
    instance.close()


@pytest.fixture
def logged() -> Iterator[list[Any]]:
    """What the workers of this process log."""
    with capture_logs() as lines:
        yield lines
