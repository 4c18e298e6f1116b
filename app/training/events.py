"""A run as a stream of events: one for each epoch, one for each change of state, until it ends."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

from app.kit.errors import DatabaseUnavailable
from app.kit.refreshing import Refreshing
from app.tables import RunState
from app.training.schemas import Epoch, Run
from app.training.service import ENDED, Progress


@dataclass(frozen=True)
class Position:
    """How far a reader has come: the epoch and the state that it saw last. Written ``3-running``."""

    epoch: int = 0
    state: str = ""

    @classmethod
    def read(cls, event_id: str | None) -> "Position":
        """Read an event's id; one that we did not write is the start."""
        epoch, _, state = (event_id or "").partition("-")
        return cls(int(epoch), state) if epoch.isdecimal() and state in set(RunState) and len(epoch) < 10 else cls()

    def __str__(self) -> str:
        return f"{self.epoch}-{self.state}"


@dataclass(frozen=True)
class Event:
    """One event of the stream."""

    name: str
    position: Position
    data: Epoch | Run


async def follow(
    progress_of_run: Refreshing[[], Progress], interval: timedelta, position: Position, stopping: asyncio.Event
) -> AsyncIterator[Event]:
    """Return what happened after ``position`` and then what happens, until the run has ended or the server stops.

    A reader never misses an epoch of the attempt that counts; after a take-over the epochs since the last checkpoint
    come again.
    """
    while not stopping.is_set():
        try:
            progress = await progress_of_run.get()
        except DatabaseUnavailable:
            await pause(interval, stopping)
            continue
        for event in news(progress, position):
            position = event.position
            yield event
        if progress.run.state in ENDED:
            return
        position = Position(min(position.epoch, progress.run.epoch), position.state)
        await pause(interval, stopping)


async def pause(interval: timedelta, stopping: asyncio.Event) -> None:
    """Wait for the next look, or for the end of the server."""
    with suppress(TimeoutError):
        async with asyncio.timeout(interval.total_seconds()):
            await stopping.wait()


def news(progress: Progress, seen: Position) -> list[Event]:
    """List the events after a position: a start before the epochs, an end after them."""
    run, events = progress.run, list[Event]()
    state = Run.of(run, progress.gate)
    if run.state != seen.state and run.state not in ENDED:
        seen = Position(seen.epoch, run.state)
        events.append(Event("state", seen, state))
    for row in progress.epochs:
        if row.epoch <= seen.epoch:
            continue
        seen = Position(row.epoch, seen.state or RunState.RUNNING)
        events.append(Event("epoch", seen, Epoch.of(row)))
    if run.state != seen.state and run.state in ENDED:
        events.append(Event("state", Position(seen.epoch, run.state), state))
    return events
