"""Writes of every kind by many clients at once: requests a second, and what single ratings take alone.

python -m benchmarks.writes --database postgresql --servers 2 --clients 32. The servers are processes of their own; the
clients are threads of this one, on connections that are kept. With --wrk they are wrk's, which leave more of the
processor to the servers, and are told no medians by kind. With --ratings FOLDER the database holds those ratings
first, and each request is about one of its users and one of its items.
"""

import argparse
import asyncio
import csv
import http.client
import json
import random
import statistics
import tempfile
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple, Self

from app.database import migrate
from app.database.engine import open_database
from app.settings import Settings
from benchmarks.serve import database_url
from benchmarks.serving.load import wrk
from tests.processes import palate, run, wait_for_port

NUM_USERS, NUM_ITEMS = 500, 300
SHARES = {  # of all requests
    "POST rating": 40,
    "PUT rating": 15,
    "DELETE rating": 10,
    "PUT item": 15,
    "PATCH item": 10,
    "DELETE item": 4,
    "POST items": 4,
    "POST merge": 2,
}
NUM_WRITTEN = 20_000  # requests for wrk to choose from
WARM_UP_S = 2.0


class Known(NamedTuple):
    """The ids to choose from, each with the same chance."""

    users: list[str]
    items: list[str]

    @classmethod
    def of(cls, folder: Path | None) -> Self:
        """Return the ids of a folder's ratings.csv, or made-up ones."""
        if folder is None:
            return cls([f"u{number}" for number in range(NUM_USERS)], [f"i{number}" for number in range(NUM_ITEMS)])
        with (folder / "ratings.csv").open() as lines:
            rows = list(islice(csv.reader(lines), 1, None))
        return cls(sorted({row[0] for row in rows}), sorted({row[1] for row in rows}))


def request(kind: str, choose: random.Random, known: Known) -> tuple[str, str, Any]:
    """Choose a request of a kind: method, path and body."""
    user, item, value = choose.choice(known.users), choose.choice(known.items), choose.randint(1, 5)
    requests: dict[str, tuple[str, str, Any]] = {
        "POST rating": ("POST", "/v1/ratings", {"user_id": user, "item_id": item, "value": value}),
        "PUT rating": ("PUT", f"/v1/users/{user}/ratings/{item}", {"value": value}),
        "DELETE rating": ("DELETE", f"/v1/users/{user}/ratings/{item}", None),
        "PUT item": ("PUT", f"/v1/items/{item}", {"title": f"Title {choose.random()}"}),
        "PATCH item": ("PATCH", f"/v1/items/{item}", {"title": f"Title {choose.random()}"}),
        "DELETE item": ("DELETE", f"/v1/items/{item}", None),
        "POST items": ("POST", "/v1/items", [{"item_id": item, "title": f"Title {choose.random()}"}]),
        "POST merge": ("POST", f"/v1/users/{user}/merge", {"from_user_id": choose.choice(known.users)}),
    }
    return requests[kind]


class Client(threading.Thread):
    """Sends one request after the other until it is told to stop."""

    def __init__(self, port: int, shares: dict[str, int], seed: int, known: Known) -> None:
        super().__init__()
        self._known = known
        self._port, self._shares, self._choose = port, shares, random.Random(seed)
        self.is_counting, self.is_done = False, False
        self.times_s: dict[str, list[float]] = {kind: [] for kind in shares}
        self.statuses = Counter[str]()

    def run(self) -> None:
        """Send requests."""
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=60)
        while not self.is_done:
            [kind] = self._choose.choices(list(self._shares), list(self._shares.values()))
            method, path, body = request(kind, self._choose, self._known)
            started = time.perf_counter()
            connection.request(method, path, json.dumps(body) if body is not None else None, JSON if body else {})
            answer = connection.getresponse()
            answer.read()
            if self.is_counting:
                self.times_s[kind].append(time.perf_counter() - started)
                self.statuses[f"{kind} {answer.status}"] += 1


JSON = {"Content-Type": "application/json"}


def load(ports: list[int], num_clients: int, seconds: float, *, shares: dict[str, int], known: Known) -> dict[str, Any]:
    """Let clients write for some time."""
    clients = [Client(ports[n % len(ports)], shares, n, known) for n in range(num_clients)]
    for client in clients:
        client.start()
    time.sleep(WARM_UP_S)
    for client in clients:
        client.is_counting = True
    started = time.perf_counter()
    time.sleep(seconds)
    elapsed = time.perf_counter() - started
    for client in clients:
        client.is_done = True
    for client in clients:
        client.join()
    times = {kind: sorted(t for client in clients for t in client.times_s[kind]) for kind in shares}
    medians = {kind: round(statistics.median(each) * 1000, 1) for kind, each in times.items() if each}
    statuses = sum((client.statuses for client in clients), Counter[str]())
    return {
        "requests_per_s": round(sum(map(len, times.values())) / elapsed, 1),
        "median_ms": medians,
        "statuses": dict(sorted(statuses.items())),
    }


def load_by_wrk(ports: list[int], options: argparse.Namespace, known: Known, file: Path) -> dict[str, Any]:
    """Let wrk's connections write for some time, a share of them at each server."""
    choose = random.Random(0)
    with file.open("w") as lines:
        for kind in choose.choices(list(SHARES), list(SHARES.values()), k=NUM_WRITTEN):
            method, path, body = request(kind, choose, known)
            lines.write(f"{method} {path} {json.dumps(body) if body is not None else ''}\n")
    with ThreadPoolExecutor() as pool:
        share = options.clients // len(ports)
        jobs = [pool.submit(wrk, f"http://127.0.0.1:{port}", file, share, options.seconds, port) for port in ports]
        found = [job.result() for job in jobs]
    return {
        "requests_per_s": round(sum(each.rate for each in found), 1),
        "p50_ms": [each.p50_ms for each in found],
        "p99_ms": [each.p99_ms for each in found],
        "not_2xx": sum(each.failed for each in found),
    }


async def upgrade(url: str) -> None:
    """Make the tables."""
    database = open_database(url)
    await database.write(migrate.upgrade)
    await database.close()


def measure(url: str, folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    """Measure some servers on one database: one client that posts single ratings, then all of them."""
    asyncio.run(upgrade(url))
    settings = Settings(_env_file=None, database_url=url, model_store=folder / "models")
    known = Known.of(options.ratings)
    if options.ratings:
        imported = run(settings, "import", str(options.ratings), PALATE_RATING_MIN="0.5", PALATE_RATING_STEP="0.5")
        assert imported.returncode == 0, imported.stderr
    with ExitStack() as running:
        ports = []
        for n in range(options.servers):
            log = folder / f"log{n}"
            process = running.enter_context(palate("serve", settings, log, fresh=True, PALATE_LOG_LEVEL="info"))
            ports.append(wait_for_port(process, log))
        time.sleep(1)
        alone = load(ports[:1], 1, options.seconds / 2, shares={"POST rating": 1}, known=known)
        if options.wrk:
            return {"alone": alone, "mixed": load_by_wrk(ports, options, known, folder / "requests")}
        return {"alone": alone, "mixed": load(ports, options.clients, options.seconds, shares=SHARES, known=known)}


def main() -> None:
    """Measure and print JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="postgresql")
    parser.add_argument("--ratings", type=Path, help="a folder with ratings.csv, such as MovieLens latest-small")
    parser.add_argument("--servers", type=int, default=2)
    parser.add_argument("--clients", type=int, default=32)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--wrk", action="store_true", help="let wrk send the mixed writes")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, database_url(options.database, Path(name)) as url:
        print(json.dumps(measure(url, Path(name), options), indent=1))


if __name__ == "__main__":
    main()
