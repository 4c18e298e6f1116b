"""A soak: servers and trainers under an even load for hours, with models swapped all the time.

    python -m benchmarks.soak postgresql --minutes 120

Users, items and the number of ratings stay about the same, so memory, open files and connections have no reason to
grow. They are read from each process every ten seconds; the report compares the minutes after the tenth with the last
ones. Exit status 1 if a request fails, or memory grows by more than `MAX_GROWTH`.
"""

import argparse
import asyncio
import signal
import sys
import tempfile
from collections import defaultdict
from collections.abc import Awaitable, Callable
from pathlib import Path
from random import Random
from statistics import median
from time import monotonic
from typing import Any, NamedTuple

import psutil

from benchmarks.chaos.asking import Asker, Call
from benchmarks.chaos.processes import PalateProcess
from benchmarks.chaos.report import table
from benchmarks.chaos.tally import Tally
from benchmarks.chaos.trial import wait_until_ready
from benchmarks.chaos.world import World, start_world

NUM_USERS, NUM_ITEMS = 200, 400
POOL = 60  # items that a user rates, or not
FIRST_RATINGS = 40  # of each user: as many are set as are removed where two thirds are rated
SAMPLE_S = 10.0
WINDOW_S = 300.0  # whose median is taken, after the warm-up and at the end
MAX_GROWTH = 0.03
SETTINGS = {"PALATE_MODEL_KIND": "auto", "PALATE_TUNE_BUDGET": "2", "PALATE_TRAIN_INTERVAL": "30"}


class Sample(NamedTuple):
    """What a process, and those that it started, hold at a moment."""

    seconds: float
    rss_mib: float
    num_files: int
    num_sockets: int


class User:
    """Makes one request after the other, of any user."""

    def __init__(self, asker: Asker, random: Random, pause_s: float) -> None:
        self._asker, self._random, self._pause_s = asker, random, pause_s
        self._last: str | None = None

    async def step(self) -> None:
        """Make a request, and pause."""
        number = self._random.randrange(NUM_USERS)
        user, item = f"user-{number}", item_of(number, self._random.randrange(POOL))
        rating = {"item_id": item, "value": self._random.randint(2, 10) / 2}
        lists = f"/v1/users/{user}/recommendations"
        call = self._random.choice(
            [
                Call("rate", "POST", "/v1/ratings", {"user_id": user, **rating}),
                Call("edit", "PUT", f"/v1/users/{user}/ratings/{item}", {"value": rating["value"]}),
                Call("remove", "DELETE", f"/v1/users/{user}/ratings/{item}", expected=[404]),
                Call("recommend", "GET", f"{lists}?limit=20"),
                Call("recommend", "GET", f"{lists}?limit=20"),
                Call("explain", "GET", f"{lists}?limit=5&explain=true"),
                Call("ratings", "GET", f"/v1/users/{user}/ratings?limit=1000", expected=[404]),
                Call("popular", "GET", "/v1/items/popular?limit=20"),
                Call("similar", "GET", f"/v1/items/{item}/similar", expected=[404]),
                Call("what-if", "POST", f"/v1/users/{user}/what-if", {"set": [rating], "limit": 10}, expected=[404]),
                Call("guest", "POST", "/v1/recommendations", {"ratings": [rating], "limit": 10}),
                Call("replay", "POST", "/v1/replays", {"recommendation_id": self._last}, expected=[410]),
            ]
        )
        if call.operation == "replay" and self._last is None:
            return
        reply = await self._asker.ask(call)
        if reply is not None and reply.status == 200 and call.operation == "recommend":
            self._last = reply.body["recommendation_id"]
        await asyncio.sleep(self._pause_s)


def item_of(user: int, place: int) -> str:
    """Name an item that a user may rate: those of an odd number share theirs with others of an odd number."""
    return f"item-{(2 * place * (1 + user // 2 % 5) + user) % NUM_ITEMS}"


def first_ratings(random: Random) -> list[dict[str, Any]]:
    """Return ratings of all users."""
    return [
        {"user_id": f"user-{user}", "item_id": item_of(user, place), "value": random.randint(2, 10) / 2}
        for user in range(NUM_USERS)
        for place in random.sample(range(POOL), FIRST_RATINGS)
    ]


def look_at(process: PalateProcess, began: float) -> Sample:
    """Read what a process holds now."""
    found = process.family()
    with_sockets = [sum(1 for _ in each.net_connections()) for each in found]
    rss = sum(each.memory_info().rss for each in found)
    return Sample(monotonic() - began, rss / 2**20, sum(each.num_fds() for each in found), sum(with_sockets))


async def sample(world: World, samples: dict[str, list[Sample]], end: float) -> None:
    """Look at every server, and show how it goes."""
    began = monotonic()
    while monotonic() < end:
        for process in world.processes:
            try:
                samples[process.name].append(look_at(process, began))
            except psutil.NoSuchProcess:  # one that trains has just ended
                continue
        shown = ", ".join(f"{name} {each[-1].rss_mib:.0f} MiB" for name, each in samples.items())
        print(f"\r{end - monotonic():6.0f} s left: {shown}\033[K", end="", flush=True)
        await asyncio.sleep(SAMPLE_S)


def window(samples: list[Sample], first_s: float) -> list[Sample]:
    """Return the samples of a window."""
    return [each for each in samples if first_s <= each.seconds <= first_s + WINDOW_S]


def row(name: str, samples: list[Sample], warm_up_s: float) -> list[Any]:
    """Compare the start with the end."""
    start, end = window(samples, warm_up_s), window(samples, samples[-1].seconds - WINDOW_S)
    rss, last_rss = (median(each.rss_mib for each in part) for part in (start, end))
    files = [median(each.num_files for each in part) for part in (start, end)]
    sockets = [median(each.num_sockets for each in part) for part in (start, end)]
    growth = last_rss / rss - 1
    return [name, f"{rss:.0f}", f"{last_rss:.0f}", f"{growth:+.1%}", *map("{:g}".format, files + sockets)]


async def run(world: World, tally: Tally, options: argparse.Namespace) -> dict[str, list[Sample]]:
    """Load the servers until the end."""
    samples: dict[str, list[Sample]] = defaultdict(list)
    asker = Asker(world.addresses, tally, Random(0))
    await wait_until_ready(asker)
    rows = first_ratings(Random(0))
    for start in range(0, len(rows), 1_000):
        await asker.repeat(Call("first ratings", "POST", "/v1/ratings", rows[start : start + 1_000]))
    users = [User(asker, Random(number), options.pause) for number in range(options.clients)]
    end = monotonic() + options.minutes * 60
    await asyncio.gather(*(repeat(user.step, end) for user in users), sample(world, samples, end))
    await asker.close()
    return samples


async def repeat(step: Callable[[], Awaitable[None]], end: float) -> None:
    """Do something until the end."""
    while monotonic() < end:
        await step()


def main() -> int:
    """Run a soak and report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("database", choices=("sqlite", "postgresql"))
    parser.add_argument("--minutes", type=float, default=120)
    parser.add_argument("--warm-up", type=float, default=10, help="minutes before growth is looked at")
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--pause", type=float, default=0.1, help="seconds between two requests of a client")
    options, tally = parser.parse_args(), Tally()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    with tempfile.TemporaryDirectory(prefix="palate-soak-") as name:
        Path(name).chmod(0o755)
        with start_world(options.database, Path(name), SETTINGS) as world:
            samples = asyncio.run(run(world, tally, options))
            swaps = sum(log.read_text().count('"event":"model_loaded"') for log in Path(name).glob("api-*.log"))
    head = ["process", "RSS MiB", "last", "growth", "files", "last", "sockets", "last"]
    rows = [row(name, each, options.warm_up * 60) for name, each in sorted(samples.items())]
    del tally.operations["readiness"]
    results = sorted({result for each in tally.operations.values() for result in each})
    operations = [[name, *(each[result] for result in results)] for name, each in sorted(tally.operations.items())]
    print(f"{table(head, rows)}\n\n{table(['operation', *results], operations)}\n\n{swaps} models were loaded")
    print("\n".join(finding.text for finding in tally.findings))
    is_flat = all(float(each[3].rstrip("%")) <= 100 * MAX_GROWTH for each in rows)
    return 0 if is_flat and not tally.wrong.total() and set(results) <= {"200", "404", "410"} else 1


if __name__ == "__main__":
    sys.exit(main())
