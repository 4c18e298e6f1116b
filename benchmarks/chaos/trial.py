"""A trial: clients and faults side by side for some minutes, then everything is compared."""

import argparse
import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from random import Random
from time import monotonic

from app.database.engine import open_database
from benchmarks.chaos.asking import READINESS, Asker, Call
from benchmarks.chaos.clients import NUM_SHARED, Client, shared_item
from benchmarks.chaos.faults import Faults
from benchmarks.chaos.inspection import problems
from benchmarks.chaos.manager import Manager
from benchmarks.chaos.processes import FAKETIME
from benchmarks.chaos.tally import Tally, Wrong
from benchmarks.chaos.world import World

READY_S = 180
WARM_UP_S = 20  # without faults, for a first model


def left_out(world: World) -> list[str]:
    """Name the faults that cannot be done here, and what they need."""
    missing = [] if FAKETIME.exists() else ["clock steps need libfaketime"]
    return missing if world.disk.is_own else [*missing, "a full disk needs root"]


async def run_trial(world: World, tally: Tally, options: argparse.Namespace) -> None:
    """Run everything, and check it in the end."""
    askers = [Asker(world.addresses, tally, Random(f"{options.seed} asker {n}")) for n in range(options.clients + 1)]
    await wait_until_ready(askers[0])
    await askers[0].repeat(Call("store items", "POST", "/v1/items", shared_items()))
    clients = [
        Client(n, asker, tally, Random(f"{options.seed} client {n}")) for n, asker in enumerate(askers[1:], start=1)
    ]
    faults = Faults(world, askers[0], tally, Random(f"{options.seed} faults"), pace=options.pace)
    manager = Manager(askers[0], tally, Random(f"{options.seed} manager"))
    end = monotonic() + WARM_UP_S + timedelta(minutes=options.minutes).total_seconds()
    await asyncio.gather(
        *(repeat(client.step, end) for client in clients),
        repeat(manager.step, end),
        begin_faults(faults, end, options.only),
        show(tally, end),
    )
    await check(world, tally, clients, askers[0])
    for asker in askers:
        await asker.close()


async def begin_faults(faults: Faults, end: float, only: list[str]) -> None:
    """Do faults after the warm-up."""
    if unknown := set(only) - set(faults.kinds()):
        raise SystemExit(f"{', '.join(unknown)}: the faults are {', '.join(faults.kinds())}")
    await asyncio.sleep(WARM_UP_S)
    await faults.run(lambda: monotonic() >= end, only)


async def repeat(step: Callable[[], Awaitable[None]], end: float) -> None:
    """Do something until the end."""
    while monotonic() < end:
        await step()


async def show(tally: Tally, end: float) -> None:
    """Show in one line how it goes."""
    while (left := end - monotonic()) > 0:
        wrong = ", ".join(f"{kind}: {tally.wrong[kind]}" for kind in Wrong)
        line = f"{left:5.0f} s left, {tally.num_operations} operations, {tally.faults.total()} faults ({tally.fault})"
        print(f"\r{line}, {wrong}\033[K", end="", flush=True)
        await asyncio.sleep(1)


async def check(world: World, tally: Tally, clients: list[Client], asker: Asker) -> None:
    """Compare what is stored with what was acknowledged, and look at the database itself."""
    for process in world.processes:
        process.start()
    await wait_until_ready(asker)
    await asyncio.gather(*(client.check_all() for client in clients))
    database = open_database(world.server.url)
    try:
        for problem in await database.scan(lambda session: list(problems(session))):
            tally.find(Wrong.ANSWER, f"in the database: {problem}")
    finally:
        await database.close()


async def wait_until_ready(asker: Asker) -> None:
    """Wait until every process is ready."""
    deadline = monotonic() + READY_S
    for address in asker.addresses:
        while await asker.ask(Call("readiness", "GET", READINESS), address) is None:
            if monotonic() > deadline:
                raise SystemExit(f"{address} is not ready after {READY_S} s")


def shared_items() -> list[dict[str, object]]:
    """Return the items that everybody rates."""
    return [{"item_id": shared_item(n), "title": f"Shared {n}"} for n in range(NUM_SHARED)]
