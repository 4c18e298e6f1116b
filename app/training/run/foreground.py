"""Training in the foreground: the same queue, lease and code as the worker's, with a live display of the epochs."""

import asyncio
import signal
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from rich.console import Console
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from sqlalchemy.orm import Session

from app.database.engine import Database, open_database
from app.kit.errors import PalateError
from app.settings import Settings
from app.tables import RunCause, RunState
from app.training import queue, service
from app.training.queue import Claim
from app.training.run.trainer import Trainer
from app.training.schemas import Epoch, Run

COLUMNS = ("ndcg@10", "ndcg@100", "rmse")
SHOWN_EPOCHS = 15
INTERRUPTED = 130  # exit status of a command that Ctrl-C ended


class Display:
    """What is shown while a run trains: a line an epoch, a bar, the time left."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("epochs"),
            TimeElapsedColumn(),
            TextColumn("{task.fields[left]}"),
            console=console,
        )
        self.task = self.bar.add_task("queued", total=None, left="")
        self.epochs: list[Epoch] = []

    def show(self, run: Run, epochs: list[Epoch]) -> None:
        """Take in how far the run has come."""
        self.epochs = epochs
        left = f"{max(0, round((run.eta - datetime.now(UTC)).total_seconds()))} s left" if run.eta else ""
        self.bar.update(
            self.task, description=describe(run), completed=run.epochs_finished, total=run.epochs_planned, left=left
        )

    def __rich__(self) -> Table:
        """Draw the table over the bar."""
        grid = Table.grid()
        grid.add_row(self.table(self.epochs[-SHOWN_EPOCHS:]))
        grid.add_row(self.bar)
        return grid

    def table(self, epochs: list[Epoch]) -> Table:
        """Draw epochs."""
        table = Table("epoch", "stage", "loss", *COLUMNS, "seconds", box=None)
        for epoch in epochs:
            figures = [number(epoch.metrics.get(name)) for name in COLUMNS]
            table.add_row(str(epoch.epoch), epoch.stage, number(epoch.loss), *figures, f"{epoch.seconds:.2f}")
        return table


def describe(run: Run) -> str:
    """Describe what the run is doing."""
    if run.state == RunState.RUNNING and run.epochs_planned is None:
        return f"{run.kind}: reading ratings, choosing hyper-parameters"
    return run.kind


def number(value: float | None) -> str:
    """Write a figure."""
    return "-" if value is None else f"{value:.4f}"


async def train(settings: Settings, kind: str | None, options: dict[str, Any]) -> int:
    """Train one run here and now; return the exit status."""
    database = open_database(settings.database_url, settings.database_pool_size)
    trainer = Trainer(database, settings, asyncio.Event())
    try:
        claim = await database.write(
            request_and_claim, settings, trainer.name, kind=kind, options=options, now=datetime.now(UTC)
        )
        asked_to_stop = listen(database, trainer, claim)
        await train_with_display(database, trainer, claim)
        progress = await database.read(service.get_progress, claim.run_id)
        return print_result(Run.of(progress.run, progress.gate), INTERRUPTED if asked_to_stop.is_set() else 1)
    finally:
        trainer.close()
        await database.close()


def request_and_claim(
    session: Session, settings: Settings, worker: str, *, kind: str | None, options: dict[str, Any], now: datetime
) -> Claim:
    """Queue a run and claim it in one transaction, so that no worker can come between."""
    run = service.request_run(session, settings, RunCause.MANUAL, now, kind=kind, options=options)
    claim = queue.claim(session, worker, settings.train_lease, run_id=run.id)
    assert claim is not None  # noqa: S101 - no worker has seen the run yet
    return claim


def listen(database: Database, trainer: Trainer, claim: Claim) -> asyncio.Event:
    """Let Ctrl-C cancel the run, and a second one or SIGTERM leave it to the queue, e.g. if the database is away."""
    asked, tasks = asyncio.Event(), set[asyncio.Task[None]]()

    async def cancel() -> None:
        with suppress(PalateError):
            await database.write(service.cancel_run, claim.run_id, datetime.now(UTC))

    def on_interrupt() -> None:
        if asked.is_set():
            trainer.shutdown.set()
        asked.set()
        tasks.add(asyncio.create_task(cancel()))

    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGINT, on_interrupt)
    loop.add_signal_handler(signal.SIGTERM, trainer.shutdown.set)
    return asked


async def train_with_display(database: Database, trainer: Trainer, claim: Claim) -> None:
    """Train, and show how it goes."""
    console = Console(stderr=True)
    display = Display(console)
    training = asyncio.create_task(trainer.train(claim))
    with Live(display, console=console, refresh_per_second=4, transient=not console.is_terminal) as live:
        while not training.done():
            await refresh(database, display, claim.run_id)
            live.refresh()
            await asyncio.wait({training}, timeout=0.25)
    await training
    await refresh(database, display, claim.run_id)
    if not console.is_terminal:
        console.print(display.table(display.epochs))


async def refresh(database: Database, display: Display, run_id: int) -> None:
    """Bring the display up to date; while the database is away it stays as it is."""
    with suppress(PalateError):
        progress = await database.read(service.get_progress, run_id)
        display.show(Run.of(progress.run, progress.gate), [Epoch.of(row) for row in progress.epochs])


def print_result(run: Run, otherwise: int) -> int:
    """Print how the run ended, and return the exit status: ``otherwise`` unless it made a version."""
    console = Console()
    if run.state == RunState.SUCCEEDED:
        console.print(f"run {run.id} made version [bold]{run.version}[/bold]: {(run.gate or {}).get('reason')}")
        return 0
    console.print(f"run {run.id} {run.state}" + (f": {run.error}" if run.error else ""), markup=False)
    return otherwise


def run_train(settings: Settings, kind: str | None, options: dict[str, Any]) -> int:
    """Train one run in the foreground; return the exit status."""
    return asyncio.run(train(settings, kind, options))
