"""A run as a stream of events: one for each epoch, one for each change of state, until it ends."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta

from app.database.engine import Database
from app.kit.errors import DatabaseUnavailable
from app.tables import RunState
from app.training import service
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


async def follow(database: Database, run_id: int, interval: timedelta, position: Position) -> AsyncIterator[Event]:
    """Return what happened after ``position`` and then what happens, until the run has ended.

    A reader never misses an epoch of the attempt that counts; after a take-over the epochs since the last checkpoint
    come again.
    """
    while True:
        try:
            progress = await database.read(service.get_progress, run_id, position.epoch)
        except DatabaseUnavailable:
            await asyncio.sleep(interval.total_seconds())
            continue
        for event in news(progress, position):
            position = event.position
            yield event
        if progress.run.state in ENDED:
            return
        position = Position(min(position.epoch, progress.run.epoch), position.state)
        await asyncio.sleep(interval.total_seconds())


def news(progress: Progress, seen: Position) -> list[Event]:
    """List the events after a position: a start before the epochs, an end after them."""
    run, events = progress.run, list[Event]()
    state = Run.of(run, progress.gate)
    if run.state != seen.state and run.state not in ENDED:
        seen = Position(seen.epoch, run.state)
        events.append(Event("state", seen, state))
    for row in progress.epochs:
        seen = Position(row.epoch, seen.state or RunState.RUNNING)
        events.append(Event("epoch", seen, Epoch.of(row)))
    if run.state != seen.state and run.state in ENDED:
        events.append(Event("state", Position(seen.epoch, run.state), state))
    return events
