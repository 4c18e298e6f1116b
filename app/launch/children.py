"""The processes that `palate up` runs."""

import os
import subprocess
import sys
import time
from collections.abc import Sequence

from app.launch.log_file import LogFile
from app.settings import Settings

STOP_SECONDS = 20
POLL_SECONDS = 0.2
PALATE = (sys.executable, "-m", "app.cli")


class ChildEnded(Exception):
    """A process that should run ended by itself."""


class Children:
    """The processes that were started. Their lines go to the log, or to the terminal if there is none."""

    def __init__(self, settings: Settings, log: LogFile | None) -> None:
        self.running: dict[str, subprocess.Popen[bytes]] = {}
        self.log = log
        self._output = log.stream if log else None
        self._environment = dict(os.environ)
        if log and settings.log_format == "auto":
            self._environment["PALATE_LOG_FORMAT"] = "console"  # people read it

    def run(self, *arguments: str) -> bool:
        """Run one of our commands to its end; return whether it did its work."""
        command = [*PALATE, *arguments]
        ended = subprocess.run(  # noqa: S603
            command, check=False, stdout=self._output, stderr=self._output, env=self._environment
        )
        return ended.returncode == 0

    def start(self, name: str, command: str) -> None:
        """Start one of our commands in a session of its own: Ctrl-C reaches it through us, once."""
        self.running[name] = subprocess.Popen(  # noqa: S603
            [*PALATE, command],
            stdin=subprocess.DEVNULL,
            stdout=self._output,
            stderr=self._output,
            env=self._environment,
            start_new_session=True,
        )

    def check(self) -> None:
        """Raise if a process has ended."""
        for name, child in self.running.items():
            if child.poll() is not None:
                raise ChildEnded(f"The {name} ended by itself (exit code {child.returncode}); its last lines say why.")

    def watch(self) -> None:
        """Watch the processes until one ends or the user interrupts."""
        while True:
            self.check()
            if self.log:
                self.log.trim()
            time.sleep(POLL_SECONDS)

    def last_lines(self) -> Sequence[str]:
        """Return what the processes said last, if it is not on the terminal already."""
        return self.log.last_lines() if self.log else ()

    def stop(self) -> None:
        """Ask the processes to end; a second Ctrl-C, or too long a wait, ends them at once."""
        for child in self.running.values():
            child.terminate()
        try:
            for child in self.running.values():
                child.wait(STOP_SECONDS)
        except (subprocess.TimeoutExpired, KeyboardInterrupt):
            for child in self.running.values():
                child.kill()
        if self.log:
            self.log.close()
