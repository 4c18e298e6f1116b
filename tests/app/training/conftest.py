"""Workers as real processes, and a taste that is easy to learn."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar, cast

import numpy as np
import pytest
from sqlalchemy import insert, update
from sqlalchemy.orm import Session

from app.db import Database
from app.settings import Settings
from app.tables import Counter, Item, Rating, RunCause, User
from app.training import service
from app.training.service import Progress

T = TypeVar("T")
NUM_ITEMS = 30
NUM_USERS = 160
PATIENCE_S = 40.0


def store_ratings(session: Session, num_users: int, num_items: int = NUM_ITEMS, per_user: int = 12) -> None:
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


class Instance:
    """One instance of Palate: a migrated database, a model store, and workers beside."""

    def __init__(self, settings: Settings, on_database: Callable[[Callable[[Database], Awaitable[Any]]], Any]) -> None:
        self.settings = settings
        self.on_database = on_database
        self.workers: list[subprocess.Popen[bytes]] = []
        self.log = settings.model_store.parent / "worker.log"

    def read(self, work: Callable[..., T], *args: Any) -> T:
        return cast("T", self.on_database(lambda database: database.read(work, *args)))

    def write(self, work: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        return cast("T", self.on_database(lambda database: database.write(work, *args, **kwargs)))

    def request(self, kind: str = "denoising", **options: Any) -> int:
        run = self.write(
            service.request_run, self.settings, RunCause.MANUAL, datetime.now(UTC), kind=kind, options=options
        )
        return run.id

    def progress(self, run_id: int) -> Progress:
        return self.read(service.get_progress, run_id)

    def environment(self, **settings: str) -> dict[str, str]:
        mine = {
            "DATABASE_URL": self.settings.database_url,
            "MODEL_STORE": str(self.settings.model_store),
            "POLL_INTERVAL": "0.1",
            "TRAIN_LEASE": "2",
            "TRAIN_MIN_CHANGES": "1000000000",
            "TRAIN_CHANGES": "1000000000",
            "TRAIN_PATIENCE": "100000",
            "LOG_FORMAT": "json",
        }
        palate = {f"PALATE_{name}": value for name, value in (mine | settings).items()}
        return {**os.environ, "OMP_NUM_THREADS": "1", **palate}

    def start_worker(self, **settings: str) -> subprocess.Popen[bytes]:
        with self.log.open("ab") as log:
            command = [sys.executable, "-m", "app.cli", "worker"]
            worker = subprocess.Popen(command, env=self.environment(**settings), stderr=log, cwd=Path.cwd())
        self.workers.append(worker)
        return worker

    def start_run_with_two_workers(self, epochs: int) -> tuple[int, subprocess.Popen[bytes]]:
        """Start two workers and then a long run: its number, and the worker that has trained some epochs of it."""
        pair = self.start_worker(), self.start_worker()
        self.wait_until(lambda: self.said().count('"worker_started"') == 2)
        run_id = self.request(epochs=epochs)
        self.wait_for_epoch(run_id, 3)
        holder = str(self.progress(run_id).run.worker)
        return run_id, pair[0] if f"-{pair[0].pid}-" in holder else pair[1]

    def wait_until(self, what: Callable[[], T | None], patience_s: float = PATIENCE_S) -> T:
        """Wait until something is true, and give it."""
        end = time.monotonic() + patience_s
        while time.monotonic() < end:
            if found := what():
                return found
            if self.workers and all(worker.poll() for worker in self.workers if worker.returncode != -signal.SIGKILL):
                break
            time.sleep(0.1)
        pytest.fail(f"waited up to {patience_s} s in vain; the workers said:\n{self.log.read_text()[-5000:]}")

    def wait_for_end(self, run_id: int) -> Progress:
        def ended() -> Progress | None:
            progress = self.progress(run_id)
            return progress if progress.run.state in service.ENDED else None

        return self.wait_until(ended)

    def wait_for_epoch(self, run_id: int, epoch: int) -> None:
        self.wait_until(lambda: self.progress(run_id).run.epoch >= epoch)

    def said(self) -> str:
        return self.log.read_text()

    def close(self) -> None:
        for worker in self.workers:
            if worker.poll() is None:
                worker.send_signal(signal.SIGCONT)
                worker.kill()
            worker.wait()


@pytest.fixture
def instance(settings: Settings, run_on_database: Any) -> Iterator[Instance]:
    """An instance with users of three tastes."""
    instance = Instance(settings, run_on_database)
    instance.write(store_ratings, NUM_USERS)
    yield instance
    instance.close()
