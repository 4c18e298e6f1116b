"""`palate up`: everything on one machine, from nothing to calls that answer. Ctrl-C ends it all."""

import asyncio
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from types import FrameType

from rich.console import Console

from app.database.engine import open_database
from app.launch import prepare
from app.launch.demo import base_url, show, wait_until_ready
from app.registry.service import live_version
from app.sample.service import has_sample
from app.settings import Settings
from app.tables import RunCause
from app.training.auto import AUTO
from app.training.service import request_run

READY_SECONDS = 120
STOP_SECONDS = 20
POLL_SECONDS = 0.2
FIRST_KIND = "linear"  # what the first model is of where `auto` is to follow: it takes seconds
PALATE = (sys.executable, "-m", "app.cli")
console = Console(soft_wrap=True, highlight=False)


class ChildEnded(Exception):
    """A process that should run ended by itself."""


def up(settings: Settings) -> int:
    """Start everything, watch it, and return the exit code."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):  # SIGINT too: a script's `&` has it ignored
        signal.signal(number, interrupt)
    children: dict[str, subprocess.Popen[bytes]] = {}
    try:
        asyncio.run(prepare_all(settings))
        train_first(settings)
        children |= {"API": start("serve"), "trainer": start("worker")}
        introduce(settings, children)
        watch(children)
    except KeyboardInterrupt:
        console.print("\nStopping.")
        return 0
    except ChildEnded as ended:
        console.print(f"palate: {ended} Stopping everything.", style="red")
        return 1
    finally:
        stop(list(children.values()))
    return 0


def interrupt(_number: int, _frame: FrameType | None) -> None:
    """Treat SIGTERM and a closed terminal as Ctrl-C."""
    raise KeyboardInterrupt


async def prepare_all(settings: Settings) -> None:
    """Create the tables, and store the sample if it is needed."""
    await prepare.migrate(settings)
    await prepare.sample(settings)


def train_first(settings: Settings) -> None:
    """Train a first model if there is none, before anything is served."""
    if asyncio.run(has_model(settings)):
        return
    console.print("Model: none yet, training the first one.")
    kind = FIRST_KIND if settings.model_kind == AUTO else settings.model_kind
    if subprocess.run([*PALATE, "train", "--kind", kind], check=False).returncode:  # noqa: S603
        console.print("Model: still none; popular items are recommended until there is one.")
    elif kind != settings.model_kind:
        asyncio.run(request_better(settings))
        console.print(f"Model: the trainer looks for a better one meanwhile ({settings.model_kind}).")


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


def start(command: str) -> "subprocess.Popen[bytes]":
    """Start one of our commands in a session of its own: Ctrl-C reaches it through us, once."""
    return subprocess.Popen([*PALATE, command], stdin=subprocess.DEVNULL, start_new_session=True)  # noqa: S603


def introduce(settings: Settings, children: "dict[str, subprocess.Popen[bytes]]") -> None:
    """Wait until the API answers, then show calls with their real answers."""
    if not wait_until_ready(settings, READY_SECONDS, lambda: check_running(children)):
        raise ChildEnded(f"The API is not ready after {READY_SECONDS} seconds.")
    if asyncio.run(is_sample(settings)):
        show(settings, console)
    url = base_url(settings)
    console.print(f"\nPalate runs at [bold]{url}[/bold] (try {url}/docs). Ctrl-C stops it.\n")


def watch(children: "dict[str, subprocess.Popen[bytes]]") -> None:
    """Watch the processes until one ends or the user interrupts."""
    while True:
        check_running(children)
        time.sleep(POLL_SECONDS)


def check_running(children: "dict[str, subprocess.Popen[bytes]]") -> None:
    """Raise if a process has ended."""
    for name, child in children.items():
        if child.poll() is not None:
            raise ChildEnded(f"The {name} ended by itself (exit code {child.returncode}); its last lines say why.")


def stop(children: "Sequence[subprocess.Popen[bytes]]") -> None:
    """Ask the processes to end; a second Ctrl-C, or too long a wait, ends them at once."""
    for child in children:
        child.terminate()
    try:
        for child in children:
            child.wait(STOP_SECONDS)
    except (subprocess.TimeoutExpired, KeyboardInterrupt):
        for child in children:
            child.kill()
