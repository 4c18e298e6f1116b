"""Import and export over HTTP: rows a second, the server's peak memory, and what a GET's p99 does meanwhile.

python -m benchmarks.bulk --rows 1000000; --database postgresql. The server is a process of its own; the rows are those
of benchmarks.transfer, generated while they are sent, as CSV.
"""

import argparse
import asyncio
import json
import math
import statistics
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2

from app.database import migrate
from app.database.engine import open_database
from app.settings import Settings
from benchmarks.serve import database_url
from benchmarks.transfer import HEADER, synthetic_lines
from tests.processes import palate, wait_for_port

PAUSE_S = 0.01  # between two GETs
PIECE_LINES = 2_000  # some 64 KiB
MARKS = (100_000, 300_000, 1_000_000, 3_000_000, 10_000_000)  # rows at which the server is weighed


def peak_mib(process_id: int) -> int:
    """Weigh a process's peak resident memory."""
    status = Path(f"/proc/{process_id}/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) // 1024


def forget_peak(process_id: int) -> None:
    """Let a process's peak be what it weighs now (proc(5))."""
    Path(f"/proc/{process_id}/clear_refs").write_text("5")


class Rows:
    """The body: rows that are generated while they are sent, and how much the server weighed at some of them."""

    def __init__(self, num_rows: int, process_id: int) -> None:
        self._num_rows, self._process_id = num_rows, process_id
        self.num_sent = 0
        self.peak_mib: dict[str, float] = {}

    def __iter__(self) -> Iterator[bytes]:
        lines, marks = [HEADER], [*MARKS, math.inf]
        for some in synthetic_lines(self._num_rows // 100):
            lines += some
            self.num_sent += len(some)
            if len(lines) > PIECE_LINES:
                yield "".join(lines).encode()
                lines.clear()
            if self.num_sent >= marks[0]:
                self.peak_mib[f"{marks.pop(0):,}"] = peak_mib(self._process_id)
        yield "".join(lines).encode()
        self.peak_mib["end"] = peak_mib(self._process_id)


class Watch(threading.Thread):
    """Asks for a user's ratings, one request after the other, and keeps the time of each."""

    def __init__(self, base_url: str) -> None:
        super().__init__()
        self._base_url, self._is_done = base_url, threading.Event()
        self.times_ms: list[float] = []

    def run(self) -> None:
        """Ask until it is done."""
        with httpx2.Client(base_url=self._base_url, timeout=60) as client:
            while not self._is_done.is_set():
                started = time.perf_counter()
                client.get("/v1/users/u0/ratings", params={"limit": 10}).read()
                self.times_ms.append((time.perf_counter() - started) * 1000)
                time.sleep(PAUSE_S)

    def finish(self) -> dict[str, float]:
        """Stop, and give median and 99th percentile in milliseconds."""
        self._is_done.set()
        self.join()
        cuts = statistics.quantiles(self.times_ms, n=100)
        return {"gets": len(self.times_ms), "p50_ms": round(cuts[49], 1), "p99_ms": round(cuts[98], 1)}


def timed(client: httpx2.Client, rows: Rows) -> dict[str, Any]:
    """Import while GETs go on."""
    watch = Watch(str(client.base_url))
    watch.start()
    started = time.perf_counter()
    answer = client.post("/v1/imports?kind=ratings", content=iter(rows), headers={"Content-Type": "text/csv"})
    seconds = time.perf_counter() - started
    counts = json.loads(answer.text.splitlines()[-1])["counts"]
    rate = round(rows.num_sent / seconds)
    return {"rows_per_s": rate, "counts": counts, "peak_mib": rows.peak_mib} | watch.finish()


def timed_export(client: httpx2.Client) -> dict[str, Any]:
    """Export while GETs go on."""
    watch = Watch(str(client.base_url))
    watch.start()
    started = time.perf_counter()
    with client.stream("GET", "/v1/exports/ratings") as answer:
        num_rows = sum(data.count(b"\n") for data in answer.iter_bytes())
    return {"rows_per_s": round(num_rows / (time.perf_counter() - started))} | watch.finish()


def idle(client: httpx2.Client) -> dict[str, float]:
    """Time GETs alone."""
    watch = Watch(str(client.base_url))
    watch.start()
    time.sleep(5)
    return watch.finish()


async def upgrade(url: str) -> None:
    """Make the tables."""
    database = open_database(url)
    await database.write(migrate.upgrade)
    await database.close()


def measure(url: str, folder: Path, num_rows: int) -> dict[str, Any]:
    """Measure one server: import, the same again, export."""
    settings = Settings(_env_file=None, database_url=url, model_store=folder / "models")
    asyncio.run(upgrade(url))
    with palate("serve", settings, folder / "log", fresh=True) as process:
        base_url = f"http://127.0.0.1:{wait_for_port(process, folder / 'log')}"
        with httpx2.Client(base_url=base_url, timeout=600) as client:
            found: dict[str, Any] = {"mib_before": peak_mib(process.pid)}
            found["import"] = timed(client, Rows(num_rows, process.pid))
            found["idle"] = idle(client)
            found["again"] = timed(client, Rows(num_rows, process.pid))
            forget_peak(process.pid)
            found["export"] = timed_export(client)
            return found | {"mib_export": peak_mib(process.pid)}


def main() -> None:
    """Measure and print JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, database_url(options.database, Path(name)) as url:
        print(json.dumps(measure(url, Path(name), options.rows), indent=1))


if __name__ == "__main__":
    main()
