"""A trainer: claims runs, trains each, and finishes each, whatever happens."""

import asyncio
import os
import shutil
import socket
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from typing import Any
from uuid import uuid4

import structlog
from sqlalchemy.orm import Session

from app.database.engine import Database
from app.kit.errors import PalateError
from app.registry import repository as versions
from app.registry import service as registry
from app.registry import store
from app.settings import Settings
from app.tables import RunState
from app.training import queue, repository
from app.training.queue import Claim, LeaseLost
from app.training.run.job import Job
from app.training.run.lease import Interrupted, Interruption, Stop, retry_until_available, watch
from app.training.run.plan import TrainingImpossible

log = structlog.get_logger()
SHUTDOWN_GRACE_S = 5.0  # how long a stopping worker tries to leave its run in order


def worker_name() -> str:
    """Name this process: no two are ever equal."""
    return f"{socket.gethostname()[:200]}-{os.getpid()}-{uuid4().hex[:8]}"


class Trainer:
    """Trains one run at a time."""

    def __init__(self, database: Database, settings: Settings, shutdown: asyncio.Event) -> None:
        self.database = database
        self.settings = settings
        self.shutdown = shutdown
        self.name = worker_name()
        self.thread = ThreadPoolExecutor(1, thread_name_prefix="training")

    async def claim(self, run_id: int | None = None) -> Claim | None:
        """Take a run that waits or was abandoned; None if there is none. Raises `DatabaseUnavailable`."""
        if not await self.database.read(repository.has_claimable):
            return None
        return await self.database.write(queue.claim, self.name, self.settings.train_lease, run_id=run_id)

    async def train(self, claim: Claim) -> None:
        """Train a claimed run to its end, or until there is a reason to stop."""
        log.info("run_claimed", run=claim.run_id, kind=claim.kind, attempt=claim.attempt, worker=self.name)
        interruption = Interruption()
        job = Job(claim, self.database, self.settings, self.thread, interruption)
        work = asyncio.create_task(job.run())
        watcher = asyncio.create_task(watch(self.database, self.settings, claim, self.shutdown))
        await asyncio.wait({work, watcher}, return_when=asyncio.FIRST_COMPLETED)
        interruption.set()
        if not work.done():
            work.cancel()
        await asyncio.wait({work})
        if work.cancelled() or isinstance(work.exception(), Interrupted):
            await self.finish(self.stop(claim, await watcher))
        else:
            watcher.cancel()
            await asyncio.wait({watcher})
            await self.finish(self.record_result(claim, work.exception()))

    async def finish(self, work: Coroutine[Any, Any, None]) -> None:
        """Complete what is left to do for a run; a worker that was told to stop tries for a few seconds only."""
        task, stopping = asyncio.create_task(work), asyncio.create_task(self.shutdown.wait())
        await asyncio.wait(set[asyncio.Task[Any]]({task, stopping}), return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        with suppress(TimeoutError):
            await asyncio.wait_for(task, SHUTDOWN_GRACE_S)

    async def stop(self, claim: Claim, reason: Stop) -> None:
        """Record a run that was stopped before its end."""
        log.info("run_stopped", run=claim.run_id, reason=reason)
        if reason == Stop.CANCELLED:
            await self.end(claim, RunState.CANCELLED)
        elif reason == Stop.TIMEOUT:
            limit = self.settings.train_timeout
            await self.end(
                claim, RunState.FAILED, f"Stopped because it took longer than {limit} (PALATE_TRAIN_TIMEOUT)."
            )
        elif reason == Stop.SHUTDOWN:
            with suppress(LeaseLost):
                await retry_until_available(lambda: self.database.write(queue.release, claim))

    async def record_result(self, claim: Claim, error: BaseException | None) -> None:
        """Record the result of a run that came to its end by itself."""
        if error is None:
            await self.delete_checkpoints(claim)
            await self.remove_old()
        elif isinstance(error, LeaseLost):
            log.warning("lease_lost", run=claim.run_id, worker=self.name)
        else:
            expected = isinstance(error, TrainingImpossible)
            log.error("training_failed", run=claim.run_id, error=str(error), exc_info=None if expected else error)
            await self.end(claim, RunState.FAILED, sentence(error))

    async def end(self, claim: Claim, state: RunState, error: str | None = None) -> None:
        """End a run without a version; if it is no longer ours, whatever went wrong here does not count."""
        try:
            await retry_until_available(partial(self.database.write, queue.finish, claim, state, error=error))
        except LeaseLost:
            log.warning("lease_lost", run=claim.run_id, worker=self.name)
        else:
            await self.delete_checkpoints(claim)

    async def delete_checkpoints(self, claim: Claim) -> None:
        """Remove the checkpoints of an ended run, as soon as the training thread has let go of it."""
        folder = store.run_folder(self.settings.model_store, claim.run_id)
        work = partial(shutil.rmtree, folder, ignore_errors=True)
        await asyncio.get_running_loop().run_in_executor(self.thread, work)

    async def remove_old(self) -> None:
        """Keep to the number of versions, and clear up what crashes left."""
        now = datetime.now(UTC)
        old = await retry_until_available(
            lambda: self.database.write(registry.remove_old, self.settings.keep_versions, now)
        )
        for version in old:
            await asyncio.to_thread(store.delete, self.settings.model_store, version)
            log.info("version_removed", version=version)
        known, pending = await retry_until_available(lambda: self.database.read(inventory))
        for name in await asyncio.to_thread(store.clear_leftovers, self.settings.model_store, known, pending):
            log.info("leftover_removed", name=name)

    def close(self) -> None:
        """Let go of the training thread; one that is deep in a computation ends with the process."""
        self.thread.shutdown(wait=False, cancel_futures=True)


def inventory(session: Session) -> tuple[list[str], list[int]]:
    """Read which folders the store should hold: versions, and runs under way."""
    return [row.version for row in versions.kept_versions(session)], repository.pending_runs(session)


def sentence(error: BaseException) -> str:
    """Describe an error in one sentence; the traceback is in the log."""
    text = error.detail if isinstance(error, PalateError) else str(error)
    first = " ".join(text.split())[:500]
    if isinstance(error, TrainingImpossible):
        return first
    return f"{type(error).__name__}: {first}" if first else type(error).__name__
