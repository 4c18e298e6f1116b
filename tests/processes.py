"""Palate's real processes, for tests that need more than one."""

import atexit
import fcntl
import json
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from time import monotonic, sleep
from typing import IO

import httpx2

from app.settings import Settings
from tests.postgres import RUN

ROOT = Path(__file__).parents[1]
EXECUTABLE = (sys.executable, "-m", "app.cli")  # for the few tests of a start from nothing


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


class ForkedProcess:
    """A process of `palate` that was forked from one that has loaded it, with the methods of `subprocess.Popen`."""

    def __init__(self, arguments: tuple[str, ...], report: socket.socket) -> None:
        self.args = arguments
        self.returncode: int | None = None
        self._report = report
        self._lines = report.makefile("r")
        self.pid = int(self._lines.readline())

    def poll(self) -> int | None:
        """Return the exit status; None as long as it runs."""
        try:
            return self.wait(0)
        except subprocess.TimeoutExpired:
            return None

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the end and return the exit status, negative for a signal.

        Raises:
            subprocess.TimeoutExpired: if it runs for longer.
        """
        if self.returncode is None:
            readable, _, _ = select.select([self._report], [], [], timeout)
            if not readable:
                raise subprocess.TimeoutExpired(self.args, timeout or 0)
            self.returncode = int(self._lines.readline())
            self._lines.close()
            self._report.close()
        return self.returncode

    def send_signal(self, number: int) -> None:
        """Send a signal unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        """Ask it to end."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it at once."""
        self.send_signal(signal.SIGKILL)


Process = ForkedProcess | subprocess.Popen[bytes]


@cache
def fork_server() -> socket.socket:
    """Connect to the process that others are forked from: one for this run, which ends with the last of its tests."""
    folder = Path(tempfile.gettempdir()) / f"palate-test-fork-{RUN}"
    folder.mkdir(exist_ok=True)
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    address, connection = str(folder / "socket"), socket.socket(socket.AF_UNIX)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            connection.connect(address)
        except OSError:
            start_fork_server(address)
            connection.connect(address)
    return connection


def start_fork_server(address: str) -> None:
    """Start the process, which first loads all of Palate."""
    Path(address).unlink(missing_ok=True)
    loading = {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}  # a thread would not live on in a fork
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(address)
        listener.listen()
        listener.set_inheritable(True)
        command = [sys.executable, "-m", "tests.fork_server", str(listener.fileno())]
        os.posix_spawn(sys.executable, command, os.environ | loading, setsid=True)


def fork(
    arguments: tuple[str, ...],
    variables: Mapping[str, str],
    *,
    stdout: IO[bytes],
    stderr: IO[bytes],
    folder: Path,
    is_new_session: bool = False,
) -> ForkedProcess:
    """Fork a process that runs `palate ARGUMENTS`."""
    ours, theirs = socket.socketpair()
    request = json.dumps([arguments, dict(variables), str(folder.absolute()), is_new_session]).encode()
    with theirs:
        socket.send_fds(fork_server(), [request], [stdout.fileno(), stderr.fileno(), theirs.fileno()])
    return ForkedProcess(arguments, ours)


def run(settings: Settings, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    with tempfile.TemporaryFile() as stdout, tempfile.TemporaryFile() as stderr:
        process = fork(arguments, environment(settings) | variables, stdout=stdout, stderr=stderr, folder=Path.cwd())
        status = process.wait(120)
        stdout.seek(0)
        stderr.seek(0)
        return subprocess.CompletedProcess(arguments, status, stdout.read().decode(), stderr.read().decode())


@contextmanager
def palate(command: str, settings: Settings, log: Path, *, fresh: bool = False, **variables: str) -> Iterator[Process]:
    """Run `palate COMMAND` and stop it as an operator does; ``fresh``: in a new interpreter, as an operator would."""
    with log.open("wb") as output:
        known = environment(settings) | variables
        process: Process = (
            subprocess.Popen([*EXECUTABLE, command], env=known, cwd=log.parent, stdout=output, stderr=output)
            if fresh
            else fork((command,), known, stdout=output, stderr=output, folder=log.parent)
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
def server(settings: Settings, log: Path, *, fresh: bool = False, **variables: str) -> Iterator[httpx2.Client]:
    """Run an API process on a free port; gives a client of it."""
    with palate("serve", settings, log, fresh=fresh, **variables) as process:
        port = wait_for_port(process, log)
        with httpx2.Client(base_url=f"http://127.0.0.1:{port}", timeout=30) as client:
            wait_until(lambda: answers(client), "the server answers")
            yield client


def wait_for_port(process: Process, log: Path) -> int:
    """Read from the log where the server listens."""
    deadline = monotonic() + 60
    while monotonic() < deadline:
        for line in log.read_text().splitlines():
            if '"listening"' in line:
                return int(json.loads(line)["port"])
        assert process.poll() is None, log.read_text()
        sleep(0.02)
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
        sleep(0.02)
