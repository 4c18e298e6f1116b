"""The faults of a trial. Each begins, lasts a few seconds, and leaves everything running again."""

import asyncio
from collections.abc import Awaitable, Callable, Collection
from random import Random
from typing import Literal

from benchmarks.chaos.asking import Asker
from benchmarks.chaos.models import serve_broken, take_over
from benchmarks.chaos.processes import FAKETIME, PalateProcess
from benchmarks.chaos.tally import Tally
from benchmarks.chaos.world import World

Fault = Callable[[], Awaitable[None]]
CLOCK_STEPS_S = (-3_600, -45, 45, 3_600)


class Faults:
    """Does one fault after the other, drawn by the seed."""

    def __init__(self, world: World, asker: Asker, tally: Tally, random: Random, *, pace: float = 1.0) -> None:
        """Keep what faults are done to; pauses, and how long they last, are multiplied by the pace."""
        self._world, self._asker, self._tally, self._random = world, asker, tally, random
        self._pace = pace

    def kinds(self) -> dict[str, Fault]:
        """Return the faults that this trial can do, by name."""
        found: dict[str, Fault] = {
            "API killed": lambda: self._kill(self._world.apis),
            "worker killed": lambda: self._kill(self._world.workers),
            "API frozen": lambda: self._freeze(self._world.apis),
            "worker frozen": lambda: self._freeze(self._world.workers),
            "run taken over": lambda: take_over(self._world, self._asker, self._tally),
            "model cut short": lambda: serve_broken(self._world, self._asker, self._tally, "cut"),
            "model sealed but wrong": lambda: serve_broken(self._world, self._asker, self._tally, "sealed"),
        }
        if FAKETIME.exists():
            found["clock stepped"] = self._step_clock
        if self._world.disk.is_own:
            found["disk full"] = self._fill_disk
        return found | (self._of_postgresql() if self._world.server.is_postgresql else {})

    def _of_postgresql(self) -> dict[str, Fault]:
        return {
            "database frozen": self._freeze_database,
            "backends terminated": self._end_backends,
            "database shut down at once": self._restart_database,
            "connection cut": self._cut,
            "cut before COMMIT": lambda: self._lose_commits("before"),
            "cut after COMMIT": lambda: self._lose_commits("after"),
        }

    async def run(self, deadline: Callable[[], bool], only: Collection[str] = ()) -> None:
        """Do faults until the deadline, some kinds or all: every kind once before any comes again."""
        kinds, left = {name: do for name, do in self.kinds().items() if name in (only or self.kinds())}, list[str]()
        while not deadline():
            await self._sleep(2, 5)
            left = left or self._random.sample(list(kinds), len(kinds))
            name = left.pop()
            with self._tally.during(name):
                await kinds[name]()

    async def _wait(self) -> None:
        await self._sleep(1, 5)

    async def _sleep(self, least_s: float, most_s: float) -> None:
        await asyncio.sleep(self._pace * self._random.uniform(least_s, most_s))

    async def _kill(self, processes: list[PalateProcess]) -> None:
        process = self._random.choice(processes)
        await asyncio.to_thread(process.kill)
        await self._sleep(0, 2)
        process.start()
        await self._wait()

    async def _freeze(self, processes: list[PalateProcess]) -> None:
        process = self._random.choice(processes)
        process.freeze()
        await self._wait()
        process.thaw()

    async def _step_clock(self) -> None:
        process = self._random.choice(self._world.processes)
        process.set_clock(self._random.choice(CLOCK_STEPS_S))
        await asyncio.sleep(5)
        process.set_clock(0)

    async def _fill_disk(self) -> None:
        await asyncio.to_thread(self._world.disk.fill)
        await self._wait()
        self._world.disk.free()
        if self._world.server.is_postgresql:  # which ends when it cannot write its log
            await asyncio.to_thread(self._world.postgres.start)

    async def _freeze_database(self) -> None:
        self._world.postgres.freeze()
        await self._wait()
        self._world.postgres.thaw()

    async def _end_backends(self) -> None:
        await asyncio.to_thread(self._world.postgres.end_backends)

    async def _restart_database(self) -> None:
        await asyncio.to_thread(self._world.postgres.shut_down)
        await self._sleep(0, 2)
        await asyncio.to_thread(self._world.postgres.start)

    async def _cut(self) -> None:
        relay = self._random.choice(self._world.relays)
        await asyncio.to_thread(relay.cut)
        await self._wait()
        await asyncio.to_thread(relay.mend)

    async def _lose_commits(self, when: Literal["before", "after"]) -> None:
        relay = self._random.choice(self._world.relays)
        relay.lose_commits(when)
        await self._wait()
        relay.lose_commits(None)
