"""Holding a run: the heartbeat beside the training, and the reasons for which training stops early."""

import asyncio
from collections.abc import Awaitable, Callable
from enum import StrEnum
from threading import Event
from time import monotonic
from typing import TypeVar

import structlog

from app.database.engine import Database
from app.kit.errors import DatabaseUnavailable
from app.settings import Settings
from app.training import queue
from app.training.queue import Claim, LeaseLost

T = TypeVar("T")
RETRY_S = 0.5
log = structlog.get_logger()


class Stop(StrEnum):
    """Why a run stops before its end."""

    CANCELLED = "cancelled"
    TIMEOUT = "timeout"
    SHUTDOWN = "shutdown"
    LOST = "lost"


class Interrupted(Exception):
    """Training was told to stop."""


class Interruption:
    """A flag that the training thread checks between two batches."""

    def __init__(self) -> None:
        self._event = Event()

    def set(self) -> None:
        """Ask the thread to stop."""
        self._event.set()

    def check_cancelled(self) -> None:
        """Raise `Interrupted` if the thread should stop."""
        if self._event.is_set():
            raise Interrupted


async def watch(database: Database, settings: Settings, claim: Claim, shutdown: asyncio.Event) -> Stop:
    """Keep the lease of a run until there is a reason to stop training it, and return the reason.

    While the database is away the lease cannot be renewed and training goes on: whether the run is still ours is
    decided by the next write.
    """
    lease_s, deadline = settings.train_lease.total_seconds(), monotonic() + settings.train_timeout.total_seconds()
    step = min(settings.poll_interval.total_seconds(), lease_s / 3)
    renewed = monotonic()
    while not shutdown.is_set():
        if monotonic() >= deadline:
            return Stop.TIMEOUT
        try:
            if await database.read(queue.is_cancelled, claim):
                return Stop.CANCELLED
            if monotonic() - renewed >= lease_s / 3:
                await database.write(queue.renew, claim, settings.train_lease)
                renewed = monotonic()
        except LeaseLost:
            return Stop.LOST
        except DatabaseUnavailable:
            log.warning("heartbeat_waits_for_database", run=claim.run_id)
        await pause(shutdown, min(step, max(0.0, deadline - monotonic())))
    return Stop.SHUTDOWN


async def pause(wake: asyncio.Event, seconds: float) -> None:
    """Sleep, but not past ``wake``."""
    try:
        await asyncio.wait_for(wake.wait(), seconds)
    except TimeoutError:
        return


async def retry_until_available(work: Callable[[], Awaitable[T]]) -> T:
    """Do something with the database, waiting for it as long as it is away."""
    away = False
    while True:
        try:
            return await work()
        except DatabaseUnavailable:
            if not away:
                log.warning("waiting_for_database")
            away = True
            await asyncio.sleep(RETRY_S)
