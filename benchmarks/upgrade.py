"""A rolling upgrade and the way back under load: two servers of an older Palate behind nginx, replaced one by one.

    python -m benchmarks.upgrade OLDER/.venv/bin/palate

Clients post ratings and ask for recommendations through nginx all the time. It prints how their calls went in each
phase, and how many of the acknowledged ratings are not there in the end. Both must say: none failed, none is lost.
"""

import argparse
import subprocess
import tempfile
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import count
from pathlib import Path
from time import sleep

import httpx2

from app.settings import Settings
from tests.nginx import nginx
from tests.pooler import free_port
from tests.postgres import new_database, throwaway_server
from tests.processes import EXECUTABLE, Process, environment, wait_until

NEWER = " ".join(EXECUTABLE)
LOCATION = """
    proxy_pass http://palate; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host $host;
    proxy_next_upstream error timeout http_503 non_idempotent; proxy_connect_timeout 2s;
"""
PHASE_S = 4.0


class Load:
    """Clients behind the balancer, and what they were told."""

    def __init__(self, url: str) -> None:
        self.url, self.phase = url, "before"
        self.answers: Counter[tuple[str, str]] = Counter()
        self.acknowledged: dict[str, set[str]] = {}
        self.is_over = threading.Event()

    def run(self, number: int) -> None:
        """Post a rating and read a list, again and again; each client is a user of its own."""
        user = f"user {number}"
        mine = self.acknowledged.setdefault(user, set())
        with httpx2.Client(base_url=self.url, timeout=20) as client:
            for item in count():
                if self.is_over.is_set():
                    return
                rating = {"user_id": user, "item_id": f"item {item % 500}", "value": 4}
                if self.call(client, "POST", "/v1/ratings", json=rating) == "200":
                    mine.add(str(rating["item_id"]))
                self.call(client, "GET", f"/v1/users/{user}/recommendations")

    def call(self, client: httpx2.Client, method: str, path: str, **options: object) -> str:
        """Make a call and count how it went."""
        try:
            outcome = str(client.request(method, path, **options).status_code)  # type: ignore[arg-type]
        except httpx2.HTTPError as error:
            outcome = type(error).__name__
        self.answers[self.phase, outcome] += 1
        return outcome

    def lost(self, client: httpx2.Client) -> int:
        """Count the acknowledged ratings that are not there."""
        return sum(len(items - stored(client, user)) for user, items in self.acknowledged.items())


def stored(client: httpx2.Client, user: str) -> set[str]:
    """Return the items that a user has rated, page by page."""
    found, cursor = set[str](), None
    while True:
        page = client.get(f"/v1/users/{user}/ratings", params={"limit": 1000} | ({"cursor": cursor} if cursor else {}))
        found |= {rating["item_id"] for rating in page.json()["ratings"]}
        if not (cursor := page.json().get("next_cursor")):
            return found


class Server:
    """One place behind the balancer, at which one or the other version runs."""

    def __init__(self, settings: Settings, folder: Path) -> None:
        self.port, self.folder = free_port(), folder
        self._variables = environment(settings) | {"PALATE_PORT": str(self.port), "PALATE_SHUTDOWN_DELAY": "0"}
        self._process: Process | None = None

    def replace(self, palate: str) -> None:
        """Stop what runs here, start another version, and wait until it answers."""
        self.stop()
        variables = {name: value for name, value in self._variables.items() if name != "PYTHONPATH"}
        log = (self.folder / f"{self.port}.log").open("ab")
        self._process = subprocess.Popen(
            [*palate.split(), "serve"], env=variables, stdout=log, stderr=log, cwd=self.folder
        )
        wait_until(self.is_alive, f"{palate} answers", 60)

    def is_alive(self) -> bool:
        """Return whether the server answers a call that needs its database."""
        try:
            return httpx2.get(f"http://127.0.0.1:{self.port}/v1/items", timeout=5).status_code == 200
        except httpx2.HTTPError:
            return False

    def stop(self) -> None:
        """Stop what runs here."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(30)


@contextmanager
def loaded(url: str, num_clients: int) -> Iterator[Load]:
    """Run the clients."""
    load = Load(url)
    threads = [threading.Thread(target=load.run, args=(number,)) for number in range(num_clients)]
    for thread in threads:
        thread.start()
    try:
        yield load
    finally:
        load.is_over.set()
        for thread in threads:
            thread.join()


def migrate(palate: str, settings: Settings, folder: Path) -> None:
    """Run a version's migrations."""
    variables = {name: value for name, value in environment(settings).items() if name != "PYTHONPATH"}
    subprocess.run([*palate.split(), "migrate"], env=variables, check=True, cwd=folder)


def upgrade_and_back(older: str, settings: Settings, folder: Path, num_clients: int) -> Load:
    """Go from the older version to this one and back, under load."""
    servers = [Server(settings, folder) for _ in range(2)]
    migrate(older, settings, folder)
    group = "upstream palate {{ {} keepalive 16; }}".format(
        " ".join(f"server 127.0.0.1:{server.port} max_fails=0;" for server in servers)
    )
    for server in servers:
        server.replace(older)
    with nginx({"/": LOCATION}, folder, group) as url:
        with loaded(url, num_clients) as load:
            sleep(PHASE_S)
            load.phase = "migrated"
            migrate(NEWER, settings, folder)
            sleep(PHASE_S)
            for phase, version in (("upgraded", NEWER), ("rolled back", older), ("upgraded again", NEWER)):
                load.phase = phase
                for server in servers:
                    server.replace(version)
                    sleep(PHASE_S / 2)
                sleep(PHASE_S / 2)
        with httpx2.Client(base_url=url, timeout=20) as client:
            print(f"acknowledged {sum(map(len, load.acknowledged.values())):,} ratings, lost {load.lost(client)}")
    for server in servers:
        server.stop()
    return load


def main() -> None:
    """Upgrade, go back, and print how the calls went."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("older", help="the command of the older version")
    parser.add_argument("database", nargs="?", help="the address of an empty database; by default, a new PostgreSQL")
    parser.add_argument("--clients", type=int, default=4)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        database = asked.database or stack.enter_context(new_database(stack.enter_context(throwaway_server())))
        settings = Settings(_env_file=None, database_url=database, model_store=Path(name) / "models")
        load = upgrade_and_back(asked.older, settings, Path(name), asked.clients)
    for (phase, outcome), number in load.answers.items():
        print(f"{phase:15} {outcome:>20} {number:7,}")


if __name__ == "__main__":
    main()
