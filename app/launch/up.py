"""`palate up`: everything on one machine, from nothing to calls that answer. Ctrl-C ends it all."""

import asyncio
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from types import FrameType

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from app.database.engine import open_database
from app.launch import prepare
from app.launch.children import ChildEnded, Children
from app.launch.demo import base_url, show, wait_until_ready
from app.launch.log_file import LogFile, log_path
from app.registry.service import live_version
from app.sample.service import has_sample
from app.settings import Settings
from app.tables import RunCause
from app.training.auto import AUTO
from app.training.service import request_run

READY_SECONDS = 120
FIRST_KIND = "linear"  # what the first model is of where `auto` is to follow: it takes seconds
console = Console(soft_wrap=True, highlight=False)


def up(settings: Settings, is_verbose: bool) -> int:
    """Start everything, watch it, and return the exit code."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):  # SIGINT too: a script's `&` has it ignored
        signal.signal(number, interrupt)
    try:
        log = None if is_verbose else LogFile(log_path(settings))
    except OSError as error:
        console.print(f"palate: cannot write {log_path(settings)}: {error.strerror}. Try --verbose.", style="red")
        return 1
    children = Children(settings, log)
    try:
        asyncio.run(prepare_all(settings))
        train_first(settings, children)
        with progress("API and trainer: starting"):
            children.start("API", "serve")
            children.start("trainer", "worker")
            wait_for_api(settings, children)
        introduce(settings, log)
        children.watch()
    except KeyboardInterrupt:
        console.print("\nStopping.")
        return 0
    except ChildEnded as ended:
        console.print(f"palate: {ended} Stopping everything.", style="red")
        show_last_lines(children)
        return 1
    finally:
        children.stop()
    return 0


@contextmanager
def progress(what: str) -> Iterator[None]:
    """Show on a terminal, in place, what takes a while and for how long it has; elsewhere nothing."""
    columns = SpinnerColumn(), TextColumn("{task.description}", style="dim"), TimeElapsedColumn()
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as shown:
        shown.add_task(what)
        yield


def interrupt(_number: int, _frame: FrameType | None) -> None:
    """Treat SIGTERM and a closed terminal as Ctrl-C."""
    raise KeyboardInterrupt


async def prepare_all(settings: Settings) -> None:
    """Create the tables, and store the sample if it is needed."""
    await prepare.migrate(settings)
    await prepare.sample(settings)


def train_first(settings: Settings, children: Children) -> None:
    """Train a first model if there is none, before anything is served."""
    if asyncio.run(has_model(settings)):
        return
    console.print("Model: none yet, training the first one.")
    kind = FIRST_KIND if settings.model_kind == AUTO else settings.model_kind
    with progress(f"Model: training ({kind})"):
        is_trained = children.run("train", "--kind", kind)
    if not is_trained:
        console.print("Model: still none; popular items are recommended until there is one.")
        show_last_lines(children)
    elif kind != settings.model_kind:
        asyncio.run(request_better(settings))
        console.print(f"Model: trained; the trainer looks for a better one meanwhile ({settings.model_kind}).")
    else:
        console.print("Model: trained.")


async def request_better(settings: Settings) -> None:
    """Queue a run of the kind that is set: the trainer takes it up as soon as it runs."""
    database = open_database(settings.database_url, 1)
    try:
        await database.write(request_run, settings, RunCause.MANUAL, datetime.now(UTC))
    finally:
        await database.close()


async def has_model(settings: Settings) -> bool:
    """Return whether a version is live."""
    database = open_database(settings.database_url, 1)
    try:
        return await database.read(live_version) is not None
    finally:
        await database.close()


async def is_sample(settings: Settings) -> bool:
    """Return whether the sample is there to show calls on."""
    database = open_database(settings.database_url, 1)
    try:
        return await database.read(has_sample)
    finally:
        await database.close()


def wait_for_api(settings: Settings, children: Children) -> None:
    """Wait until the API answers as it should."""
    if not wait_until_ready(settings, READY_SECONDS, children.check):
        raise ChildEnded(f"The API is not ready after {READY_SECONDS} seconds.")


def introduce(settings: Settings, log: LogFile | None) -> None:
    """Show calls with their real answers, and where Palate runs."""
    if asyncio.run(is_sample(settings)):
        show(settings, console)
    url = base_url(settings)
    console.print(f"\nPalate runs at [bold]{url}[/bold] (try {url}/docs). Ctrl-C stops it.")
    if log:
        console.print(f"Details are in {log.path}.")
    console.print()


def show_last_lines(children: Children) -> None:
    """Print what the processes said last, and where the rest is."""
    for line in children.last_lines():
        console.print(f"  {line}", markup=False, style="dim")
    if children.log:
        console.print(f"All of it: {children.log.path}")
