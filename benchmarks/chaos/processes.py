"""Palate's processes, started, frozen, killed and started again. No other process is ever signalled."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from time import monotonic, sleep

import psutil

from tests.processes import ROOT

FAKETIME = Path("/usr/lib") / os.uname().machine.join(("", "-linux-gnu")) / "faketime" / "libfaketimeMT.so.1"
START_S = 120


class PalateProcess:
    """`palate serve` or `palate worker`, which may die and be started again."""

    def __init__(self, name: str, command: str, folder: Path, variables: dict[str, str]) -> None:
        self.name = name
        self._command = [sys.executable, "-m", "app.cli", command]
        self._log, self._clock = folder / f"{name}.log", folder / f"{name}.clock"
        self._environment = clean_environment() | variables
        self._process: subprocess.Popen[bytes] | None = None
        self.set_clock(0)
        if FAKETIME.exists():
            self._environment |= {
                "LD_PRELOAD": str(FAKETIME),
                "FAKETIME_TIMESTAMP_FILE": str(self._clock),
                "FAKETIME_CACHE_DURATION": "1",
                "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            }

    def start(self) -> None:
        """Start it, unless it runs."""
        if self._process is None or self._process.poll() is not None:
            with self._log.open("ab") as log:
                self._process = subprocess.Popen(
                    self._command, env=self._environment, cwd=self._log.parent, stdout=log, stderr=log
                )

    def kill(self) -> None:
        """End it, and what it started, at once."""
        for process in self.family():
            process.kill()
        if self._process is not None:
            self._process.wait()

    def freeze(self) -> None:
        """Stop it, and what it started, until `thaw`."""
        signal_all(self.family(), signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        signal_all(self.family(), signal.SIGCONT)

    def terminate(self) -> None:
        """Stop it as an operator does."""
        if self._process is None or self._process.poll() is not None:
            return
        self._process.terminate()
        try:
            self._process.wait(30)
        except subprocess.TimeoutExpired:
            self.kill()

    def set_clock(self, seconds: int) -> None:
        """Set its clock forward, or back, from the machine's; only where libfaketime is installed."""
        temporary = self._clock.with_suffix(".new")
        temporary.write_text(f"{seconds:+d}\n")
        temporary.replace(self._clock)

    def family(self) -> list[psutil.Process]:
        """Return it, and what it started."""
        if self._process is None or self._process.poll() is not None:
            return []
        return family(self._process.pid)


def family(pid: int) -> list[psutil.Process]:
    """Return a process that we started, and its descendants."""
    try:
        first = psutil.Process(pid)
        return [first, *first.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def signal_all(processes: list[psutil.Process], number: int) -> None:
    """Send a signal to those that are still there."""
    for process in processes:
        try:
            process.send_signal(number)
        except psutil.NoSuchProcess:
            continue


def clean_environment() -> dict[str, str]:
    """Return the environment without settings of Palate."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("PALATE_")}
    return inherited | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}


def free_port() -> int:
    """Find a port that nothing listens on."""
    with socket.socket() as place:
        place.bind(("127.0.0.1", 0))
        return int(place.getsockname()[1])


def wait_until_gone(pid: int, seconds: float = 30) -> None:
    """Wait until a process has ended."""
    deadline = monotonic() + seconds
    while psutil.pid_exists(pid) and monotonic() < deadline:
        sleep(0.1)
