"""Palate's real processes, for tests that need more than one."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep

import httpx2

from app.settings import Settings

ROOT = Path(__file__).parents[1]


def environment(settings: Settings) -> dict[str, str]:
    """Give a process the settings of a test, quick to notice things, and one computing thread."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("PALATE_")}
    return inherited | {
        "PYTHONPATH": str(ROOT),  # this code, whichever is installed
        "PALATE_DATABASE_URL": settings.database_url,
        "PALATE_MODEL_STORE": str(settings.model_store),
        "PALATE_HOST": "127.0.0.1",
        "PALATE_PORT": "0",
        "PALATE_LOG_FORMAT": "json",
        "PALATE_POLL_INTERVAL": "0.1",
        "OMP_NUM_THREADS": "1",
    }


@contextmanager
def palate(command: str, settings: Settings, log: Path, **variables: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run `palate COMMAND` and stop it as an operator does."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "app.cli", command],
            env=environment(settings) | variables,
            cwd=log.parent,
            stdout=output,
            stderr=output,
        )
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise


@contextmanager
def server(settings: Settings, log: Path, **variables: str) -> Iterator[httpx2.Client]:
    """Run an API process on a free port; gives a client of it."""
    with palate("serve", settings, log, **variables) as process:
        port = wait_for_port(process, log)
        with httpx2.Client(base_url=f"http://127.0.0.1:{port}", timeout=30) as client:
            wait_until(lambda: answers(client), "the server answers")
            yield client


def wait_for_port(process: subprocess.Popen[bytes], log: Path) -> int:
    """Read from the log where the server listens."""
    deadline = monotonic() + 60
    while monotonic() < deadline:
        for line in log.read_text().splitlines():
            if '"listening"' in line:
                return int(json.loads(line)["port"])
        assert process.poll() is None, log.read_text()
        sleep(0.05)
    raise AssertionError(f"the server never listened: {log.read_text()}")


def answers(client: httpx2.Client) -> bool:
    """Return whether the server accepts a request."""
    try:
        return client.get("/health/live").status_code == 200
    except httpx2.TransportError:
        return False


def wait_until(condition: object, what: str, seconds: float = 60) -> None:
    """Wait until a function gives something true."""
    assert callable(condition)
    deadline = monotonic() + seconds
    while not condition():
        assert monotonic() < deadline, f"waited in vain until {what}"
        sleep(0.05)
