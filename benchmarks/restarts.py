"""Restarts under load: two servers, one restarted after the other, and clients that go where one is ready.

    python -m benchmarks.restarts --restarts 100

Each client keeps a connection to each server, honours `Connection: close`, and asks readiness ten times a second, as a
balancer does. A failed call is one that is reset, refused, or answered with anything but 200.
"""

import argparse
import asyncio
import tempfile
import threading
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from time import monotonic, sleep

import httpx2

from app.settings import Settings
from benchmarks.bulk import upgrade
from tests.pooler import free_port
from tests.processes import Process, palate, wait_until

CHECK_S = 0.1  # between two looks at readiness
RATING = {"user_id": "ada", "item_id": "alien", "value": 4}


class Balancer:
    """Knows which of the servers are ready, and calls one of those."""

    def __init__(self, ports: list[int]) -> None:
        self.urls = [f"http://127.0.0.1:{port}" for port in ports]
        self.ready = dict.fromkeys(self.urls, False)
        self.is_over = threading.Event()
        self.answers: Counter[str] = Counter()

    def watch(self) -> None:
        """Ask each server again and again whether it is ready."""
        while not self.is_over.wait(CHECK_S):
            for url in self.urls:
                self.ready[url] = is_ready(url)

    def call(self) -> None:
        """Call servers that are ready, in turn, until the end."""
        clients = {url: httpx2.Client(base_url=url, timeout=20) for url in self.urls}
        while not self.is_over.is_set():
            for url, client in clients.items():
                if self.ready[url]:
                    self.answers[outcome(client)] += 1
        for client in clients.values():
            client.close()


def outcome(client: httpx2.Client) -> str:
    """Make a call, and return how it went."""
    try:
        return str(client.post("/v1/ratings", json=RATING).status_code)
    except httpx2.HTTPError as error:
        return f"{type(error).__name__}: {error}"


def is_ready(url: str) -> bool:
    """Return whether a server says that it is ready."""
    try:
        return httpx2.get(url + "/health/ready", timeout=5).status_code == 200
    except httpx2.HTTPError:
        return False


def restart(balancer: Balancer, settings: Settings, folder: Path, *, restarts: int, delay_s: float) -> list[float]:
    """Run both servers and restart them in turn; return how long each took to stop."""
    stopped = list[float]()

    def start(stack: ExitStack, url: str) -> Process:
        port = url.rpartition(":")[2]
        process = stack.enter_context(
            palate("serve", settings, folder / port, PALATE_PORT=port, PALATE_SHUTDOWN_DELAY=str(delay_s))
        )
        wait_until(lambda: balancer.ready[url], "the server is ready")
        return process

    stacks = {url: ExitStack() for url in balancer.urls}
    processes = {url: start(stacks[url], url) for url in balancer.urls}
    for number in range(restarts):
        url = balancer.urls[number % len(balancer.urls)]
        began = monotonic()
        processes[url].terminate()
        processes[url].wait(20)
        stopped.append(monotonic() - began)
        stacks[url].close()
        balancer.ready[url] = False
        stacks[url] = ExitStack()
        processes[url] = start(stacks[url], url)
        sleep(CHECK_S)
    balancer.is_over.set()
    sleep(1)
    for stack in stacks.values():
        stack.close()
    return stopped


def main() -> None:
    """Restart, and print how the calls went."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--restarts", type=int, default=100)
    parser.add_argument("--clients", type=int, default=4)
    parser.add_argument("--delay", type=float, default=2, help="PALATE_SHUTDOWN_DELAY, in seconds")
    asked = parser.parse_args()
    balancer = Balancer([free_port(), free_port()])
    threads = [threading.Thread(target=work) for work in [balancer.watch, *[balancer.call] * asked.clients]]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        settings = Settings(_env_file=None, database_url=f"sqlite:///{folder}/palate.db", model_store=folder / "models")
        asyncio.run(upgrade(settings.database_url))
        for thread in threads:
            thread.start()
        stopped = restart(balancer, settings, folder, restarts=asked.restarts, delay_s=asked.delay)
        for thread in threads:
            thread.join()
    print(f"{len(stopped)} restarts; to stop took {max(stopped):.1f} s at most; answers: {dict(balancer.answers)}")


if __name__ == "__main__":
    main()
