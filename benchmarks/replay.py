"""Answers made again: taken while ratings arrive, items and rules change and models take turns, then all replayed.

python -m benchmarks.replay --ratings FOLDER; --answers 1000, --database postgresql. The server is a process of its own;
a tenth of the answers is taken before there is a model. Four clients ask: for users with and without options, further
pages, guests, batches, popular and new items.
"""

import argparse
import asyncio
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2

from app.settings import Settings
from benchmarks.bulk import upgrade
from benchmarks.serve import database_url
from tests.processes import environment, palate, wait_for_port

CLIENTS = 4
SHOWN = 0.3  # of the answers are reported as seen
PAUSE_S = 0.02  # of a client between two answers
SCALE = {"PALATE_RATING_MIN": "0.5", "PALATE_RATING_MAX": "5", "PALATE_RATING_STEP": "0.5"}
SAID = ("model_version", "revision", "personalised", "reason", "items")
Taken = tuple[dict[str, Any], dict[str, Any]]  # an answer, and the body of its replay


class Client:
    """One who asks, for lists of every sort."""

    def __init__(self, base_url: str, seed: int, names: tuple[list[str], list[str]]) -> None:
        self._http = httpx2.Client(base_url=base_url, timeout=60)
        self._random = random.Random(seed)
        self._users, self._items = names
        self.taken: list[Taken] = []

    def ask(self) -> None:
        """Take an answer, or those of a batch."""
        way = self._random.choices(
            [self._user, self._pages, self._guest, self._batch, self._popular], [60, 12, 12, 4, 4]
        )
        way[0]()
        time.sleep(PAUSE_S)

    def _take(self, answer: dict[str, Any], **needed: Any) -> None:
        self.taken.append((answer, {"recommendation_id": answer["recommendation_id"], **needed}))
        if self._random.random() < SHOWN:
            event = {"type": "impression", "recommendation_id": answer["recommendation_id"]}
            self._call("POST", "/v1/events", json=[event])

    def _call(self, method: str, path: str, **arguments: Any) -> Any:
        response = self._http.request(method, path, **arguments)
        response.raise_for_status()
        return response.json()

    def _options(self) -> dict[str, Any]:
        draw = self._random
        options: dict[str, Any] = {
            "limit": draw.choice([5, 20, 50]),
            "category": [draw.choice(["Drama", "Comedy"])],
            "exclude_category": ["Horror"],
            "diversity": 0.5,
            "exploration": 0.2,
            "rotation": 0.7,
            "include_rated": True,
            "block": draw.sample(self._items, 3),
        }
        return {name: options[name] for name in draw.sample(sorted(options), draw.choice([0, 0, 1, 2]))}

    def _user(self) -> None:
        user = self._random.choice(self._users)
        self._take(self._call("GET", f"/v1/users/{user}/recommendations", params=self._options()))

    def _pages(self) -> None:
        path, options = f"/v1/users/{self._random.choice(self._users)}/recommendations", self._options()
        for _ in range(3):
            answer = self._call("GET", path, params=options)
            self._take(answer)
            time.sleep(PAUSE_S)
            if not (cursor := answer["next_cursor"]):
                return
            options = {**options, "cursor": cursor}

    def _guest(self) -> None:
        chosen = self._random.sample(self._items, 8)
        ratings = [{"item_id": item, "value": self._random.choice([1, 3, 5])} for item in chosen]
        self._take(
            self._call("POST", "/v1/recommendations", json={"ratings": ratings, **self._options()}), ratings=ratings
        )

    def _batch(self) -> None:
        body = {"users": self._random.sample(self._users, 5), **self._options()}
        for answer in self._call("POST", "/v1/recommendations/batch", json=body)["answers"]:
            self._take(answer)

    def _popular(self) -> None:
        self._take(self._call("GET", f"/v1/items/{self._random.choice(['new', 'popular'])}", params={"limit": 20}))


class Changes:
    """What happens meanwhile: ratings of old and new items, edits of items, windows, rules; counted."""

    def __init__(self, base_url: str, names: tuple[list[str], list[str]]) -> None:
        self._http = httpx2.Client(base_url=base_url, timeout=60)
        self._random = random.Random(99)
        self._users, self._items = names
        self.done = Counter[str]()

    def rate(self) -> None:
        """Store, edit or remove ratings."""
        items = [*self._random.sample(self._items, 4), f"first seen {self._random.randrange(500)}"]
        rows = [self._rating(item) for item in items]
        self._http.post("/v1/ratings", json=rows).raise_for_status()
        self.done["ratings"] += len(rows)

    def _rating(self, item: str) -> dict[str, Any]:
        return {
            "user_id": self._random.choice(self._users),
            "item_id": item,
            "value": self._random.randrange(1, 11) / 2,
        }

    def edit(self) -> None:
        """Change the catalogue."""
        item, soon = self._random.choice(self._items), datetime.now(UTC) + timedelta(seconds=self._random.random())
        match self._random.randrange(5):
            case 0:
                self._http.patch(f"/v1/items/{item}", json={"active": self._random.random() < 0.5})
            case 1:
                window = {self._random.choice(["available_from", "available_until"]): soon.isoformat()}
                self._http.patch(f"/v1/items/{item}", json=window)
            case 2:
                self._http.delete(f"/v1/items/{item}")
            case 3:
                new = {"item_id": f"new {self._random.randrange(500)}", "title": f"The {item}", "categories": ["Drama"]}
                self._http.post("/v1/items", json=[new])
            case _:
                self._http.put("/v1/rules", json={"block": [item], "boost": [{"factor": 2, "category": ["Comedy"]}]})
        self.done["edits"] += 1


def repeat(work: Callable[[], None], pause_s: float, until: threading.Event) -> threading.Thread:
    """Do something again and again in a thread."""

    def run() -> None:
        while not until.wait(pause_s):
            work()

    thread = threading.Thread(target=run)
    thread.start()
    return thread


def run_command(settings: Settings, *command: str) -> None:
    """Run a command of `palate`."""
    subprocess.run(
        [sys.executable, "-m", "app.cli", *command], env=environment(settings) | SCALE, check=True, capture_output=True
    )


def take(base_url: str, number: int, names: tuple[list[str], list[str]], seed: int) -> list[Taken]:
    """Let the clients take a number of answers."""
    clients = [Client(base_url, seed + place, names) for place in range(CLIENTS)]

    def run(client: Client) -> None:
        while len(client.taken) < -(-number // CLIENTS):
            client.ask()

    threads = [threading.Thread(target=run, args=(client,)) for client in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return [taken for client in clients for taken in client.taken]


def replayed(base_url: str, taken: list[Taken]) -> dict[str, Any]:
    """Replay answers one after the other, and compare all that they said."""
    seconds, different, largest = [], list[Any](), 0.0
    found: dict[str, Any] = dict.fromkeys(("identical", "same to the last digit", "refused"), 0)
    with httpx2.Client(base_url=base_url, timeout=60) as client:
        started = time.perf_counter()
        for answer, body in taken:
            before = time.perf_counter()
            response = client.post("/v1/replays", json=body)
            seconds.append(time.perf_counter() - before)
            again = response.json()
            if response.status_code != 200:
                found["refused"] += 1
                different.append(again)
                continue
            items = [[item["item_id"] for item in each["items"]] for each in (answer, again)]
            found["identical"] += items[0] == items[1] and again["identical"]
            found["same to the last digit"] += all(again[name] == answer[name] for name in SAID if name in answer)
            if items[0] != items[1]:
                different.append([answer, again])
            else:
                pairs = zip(answer["items"], again["items"], strict=True)
                largest = max(largest, *(abs((a["score"] or 0) - (b["score"] or 0)) for a, b in pairs), 0.0)
        total = time.perf_counter() - started
    marks = statistics.quantiles(seconds, n=100)
    found["largest difference of a score"] = largest
    figures = {"replays_per_s": len(taken) / total, "p50_ms": 1e3 * marks[49], "p99_ms": 1e3 * marks[98]}
    return {**found, **{name: round(value, 2) for name, value in figures.items()}, "different": different[:3]}


def measure(url: str, folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    """Fill a database, take answers while everything changes, replay them."""
    settings = Settings(_env_file=None, database_url=url, model_store=folder / "models", rating_min=0.5)
    asyncio.run(upgrade(url))
    run_command(settings, "import", str(options.ratings))
    with ExitStack() as stack:
        process = stack.enter_context(palate("serve", settings, folder / "log", fresh=True, **SCALE))
        base_url = f"http://127.0.0.1:{wait_for_port(process, folder / 'log')}"
        http = stack.enter_context(httpx2.Client(base_url=base_url, timeout=60))
        items = [row["item_id"] for row in http.get("/v1/items", params={"limit": 1000}).json()["items"]]
        names = [str(number) for number in range(1, 100)] + ["a new user"], items
        changes, end = Changes(base_url, names), threading.Event()
        threads = [repeat(changes.rate, 0.05, end), repeat(changes.edit, 0.07, end)]
        taken = take(base_url, options.answers // 10, names, 1)
        versions = []
        for kind in options.kinds:
            run_command(settings, "train", "--kind", kind)
            versions.append(http.get("/v1/models").json()["versions"][0]["version"])

        def activate() -> None:
            version = versions[changes.done["activations"] % len(versions)]
            http.post(f"/v1/models/{version}/activate", json={"force": True}).raise_for_status()
            changes.done["activations"] += 1

        threads.append(repeat(activate, 1.5, end))
        taken += take(base_url, options.answers - len(taken), names, 11)
        end.set()
        for thread in threads:
            thread.join()
        random.Random(5).shuffle(taken)
        in_order = sorted(taken, key=lambda each: each[0].get("revision") or 0)
        served = Counter(str(answer.get("model_version")) for answer, _ in taken)
        return {
            "answers": len(taken),
            "by version": dict(served),
            "meanwhile": dict(changes.done),
            "replayed": replayed(base_url, taken),
            "replayed in order": replayed(base_url, in_order),
        }


def main() -> None:
    """Measure and print JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ratings", type=Path, required=True, help="a folder as `palate import` takes it")
    parser.add_argument("--answers", type=int, default=1_000)
    parser.add_argument("--kinds", nargs="+", default=["linear", "lowrank", "linear"])
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    options = parser.parse_args()
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    with tempfile.TemporaryDirectory() as name, database_url(options.database, Path(name)) as url:
        print(json.dumps(measure(url, Path(name), options), indent=1))


if __name__ == "__main__":
    main()
