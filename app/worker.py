"""The trainer process: polls whether a run is due, claims runs, trains them; until it is asked to stop."""

import asyncio
import os
import signal
import sys
from datetime import UTC, datetime

import structlog

from app.database.engine import Database, check_access, open_database
from app.feedback.retention import Retention
from app.kit import logs
from app.kit.errors import DatabaseUnavailable, SchemaOutdated
from app.settings import Settings
from app.training import service
from app.training.run.lease import pause
from app.training.run.pulse import Pulse
from app.training.run.status_server import serve_status
from app.training.run.trainer import Trainer
from app.training.schedule import crontab

log = structlog.get_logger()


class Schedule:
    """Queues the runs that are due. Any number of workers may do so: each run is queued once."""

    def __init__(self, database: Database, settings: Settings) -> None:
        self.database = database
        self.settings = settings
        self.polled_at: datetime | None = None

    async def poll(self) -> None:
        """Queue a run if one is due, and say why if a due one is not started."""
        now = datetime.now(UTC)
        decision = await self.database.read(service.poll, self.settings, self.polled_at, now)
        if decision is None:
            return
        if decision.cause is None:
            log.info("scheduled_run_skipped", reason=decision.reason)
            self.polled_at = now
            return
        run = await self.database.write(service.start_due, self.settings, self.polled_at, now)
        if run is not None:
            log.info("run_queued", run=run.id, cause=run.cause, reason=decision.reason)


async def work(settings: Settings, shutdown: asyncio.Event) -> None:
    """Train until asked to stop. A lost database is waited for."""
    database = open_database(settings.database_url, settings.database_pool_size)
    trainer, schedule = Trainer(database, settings, shutdown), Schedule(database, settings)
    retention, pulse = Retention(database, settings), Pulse(settings)
    log.info("worker_started", worker=trainer.name)
    with serve_status(pulse, settings.host, settings.worker_port):
        try:
            while not shutdown.is_set():
                has_worked = await turn(trainer, schedule, retention, pulse)
                pulse.end_turn()
                if not has_worked:
                    await pause(shutdown, settings.poll_interval.total_seconds())
        finally:
            trainer.close()
            await database.close()
    log.info("worker_stopped", worker=trainer.name)


async def work_until_signal(settings: Settings) -> None:
    """Train until SIGTERM or SIGINT."""
    shutdown = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, shutdown.set)
    await work(settings, shutdown)


async def turn(trainer: Trainer, schedule: Schedule, retention: Retention, pulse: Pulse) -> bool:
    """Remove what is too old, and train one run if there is one; return whether there was."""
    try:
        await retention.poll()
        await schedule.poll()
        claim = await trainer.claim()
        pulse.database_problem = None
        if claim is not None:
            pulse.begin_run(claim.run_id)
            await trainer.train(claim)
    except (DatabaseUnavailable, SchemaOutdated) as error:
        pulse.database_problem = str(error)
        log.warning("worker_waits_for_database", error=str(error))
        return False
    except Exception:  # whatever it is, the worker goes on; the run itself holds its own error
        log.exception("worker_turn_failed")
        return False
    return claim is not None


def run_worker() -> None:
    """Train in the background: on schedule, after enough changes, and when asked to."""
    settings = Settings()
    if settings.train_cron is not None:
        check_cron(settings.train_cron)
    logs.configure(settings)
    asyncio.run(check_access(settings.database_url))
    asyncio.run(work_until_signal(settings))
    sys.stderr.flush()
    os._exit(0)  # a computation that cannot be interrupted must not keep a stopped worker


def check_cron(line: str) -> None:
    """End the process with one sentence if a crontab line cannot be read."""
    try:
        crontab(line, datetime.now(UTC))
    except ValueError as error:
        sys.exit(f"palate: PALATE_TRAIN_CRON: {error}")
