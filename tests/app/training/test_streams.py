"""Many who follow a run cost what one does, and there are only so many."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from threading import get_ident
from time import monotonic

import pytest
from sqlalchemy import event
from sqlalchemy.engine import Engine
from sqlalchemy.orm import Session

from app.database.engine import Database
from app.kit.errors import StreamsFull
from app.settings import Settings
from app.tables import RunCause
from app.training import events, service
from app.training.streams import Streams

INTERVAL = timedelta(seconds=0.1)
NUM_TURNS = 5
Run = Callable[[Callable[[Database], Awaitable[object]]], object]


def queue(session: Session, settings: Settings) -> int:
    """Queue a run, which nothing trains."""
    return service.request_run(session, settings, RunCause.MANUAL, datetime.now(UTC)).id


@contextmanager
def counted() -> Iterator[set[object]]:
    """Note the statements that this thread sends: other tests' servers may still run in theirs."""
    found: set[object] = set()
    thread = get_ident()

    def note(_connection: object, _cursor: object, _statement: str, _values: object, context: object, _: bool) -> None:
        if get_ident() == thread:
            found.add(context)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield found
    finally:
        event.remove(Engine, "before_cursor_execute", note)


async def follow(streams: Streams, run_id: int) -> None:
    """Follow a run for a few intervals."""
    progress, stopping = streams.progress_of(run_id), asyncio.Event()
    asyncio.get_running_loop().call_later(NUM_TURNS * INTERVAL.total_seconds(), stopping.set)
    async for each in events.follow(progress, INTERVAL, events.Position.read(None), stopping):
        assert each.name == "state"


def test_all_who_follow_a_run_read_it_together(run_on_database: Run, settings: Settings) -> None:
    async def check(database: Database) -> None:
        streams, run_id = Streams(database, INTERVAL, 200), await database.write(queue, settings)
        with counted() as of_one_read:
            await streams.progress_of(run_id).get()
        started = monotonic()
        with counted() as found:
            await asyncio.gather(*(follow(streams, run_id) for _ in range(100)))
        most_reads = (monotonic() - started) / INTERVAL.total_seconds() + 1
        assert 0 < len(found) <= most_reads * len(of_one_read)

    run_on_database(check)


def test_there_are_only_so_many(run_on_database: Run) -> None:
    async def check(database: Database) -> None:
        streams = Streams(database, INTERVAL, 2)
        async with AsyncExitStack() as held:
            for _ in range(2):
                await held.enter_async_context(streams.place())
            with pytest.raises(StreamsFull):
                await held.enter_async_context(streams.place())
        async with streams.place():  # one of those that were given back
            pass

    run_on_database(check)
