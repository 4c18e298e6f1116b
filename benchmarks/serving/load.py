"""Load: by wrk where it is installed, else by a client in Python."""

import asyncio
import json
import random
import shutil
import statistics
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from urllib.error import URLError
from urllib.parse import urlsplit
from urllib.request import urlopen

SCRIPT = Path(__file__).with_name("load.lua")


@dataclass(frozen=True)
class Figures:
    """What a load generator saw."""

    requests: int
    seconds: float
    p50_ms: float
    p99_ms: float
    failed: int
    cpu_seconds: float = 0.0  # of the server, meanwhile

    @property
    def rate(self) -> float:
        """Requests per second."""
        return self.requests / self.seconds


def has_wrk() -> bool:
    """Return whether wrk is installed."""
    return shutil.which("wrk") is not None


def wrk(url: str, requests: Path, connections: int, seconds: float, seed: int) -> Figures:
    """Load with wrk, one thread."""
    options = ["-t1", f"-c{connections}", f"-d{max(1, round(seconds))}s", "--timeout", "20s", "-s", str(SCRIPT)]
    done = subprocess.run(
        ["wrk", *options, url, "--", str(requests), str(seed)], check=True, capture_output=True, text=True
    )
    line = next(line for line in done.stdout.splitlines() if line.startswith("RESULT "))
    return Figures(**json.loads(line.removeprefix("RESULT ")))


def python(url: str, requests: Path, connections: int, seconds: float, seed: int) -> Figures:
    """Load with plain sockets and asyncio."""
    return asyncio.run(load(url, requests.read_text().splitlines(), connections, seconds, seed))


async def load(url: str, lines: list[str], connections: int, seconds: float, seed: int) -> Figures:
    """Keep every connection busy until the time is over."""
    where = urlsplit(url)
    messages = [message(line, where.netloc) for line in lines]
    choose, started = random.Random(seed), time.perf_counter()
    deadline = started + seconds
    jobs = [connection(str(where.hostname), where.port or 80, messages, choose, deadline) for _ in range(connections)]
    outcomes = [outcome for outcomes in await asyncio.gather(*jobs) for outcome in outcomes]
    times = statistics.quantiles([seconds * 1000 for seconds, _ in outcomes], n=100)
    failed = sum(not good for _, good in outcomes)
    return Figures(len(outcomes), time.perf_counter() - started, times[49], times[98], failed)


def message(line: str, host: str) -> bytes:
    """Write one request."""
    method, path, *body = line.split(" ", 2)
    text = body[0] if body else ""
    head = f"{method} {path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n"
    return f"{head}Content-Length: {len(text.encode())}\r\n\r\n{text}".encode()


async def connection(
    host: str, port: int, messages: list[bytes], choose: random.Random, deadline: float
) -> list[tuple[float, bool]]:
    """Send one request after another; (seconds, whether it went well) of each."""
    reader, writer = await asyncio.open_connection(host, port)
    outcomes = []
    while (started := time.perf_counter()) < deadline:
        writer.write(choose.choice(messages))
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(int(h[16:]) for h in head.lower().split(b"\r\n") if h.startswith(b"content-length:"))
        await reader.readexactly(length)
        outcomes.append((time.perf_counter() - started, head[9:12] == b"200"))
    writer.close()
    return outcomes


def wait_for_model(url: str, version: str, process: subprocess.Popen[bytes], seconds: float = 120) -> None:
    """Wait until readiness names the version.

    Raises:
        TimeoutError: if it never does.
    """
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urlopen(url, timeout=5) as answer:
                if json.load(answer)["model_version"] == version:
                    return
        except (URLError, OSError):
            pass
        time.sleep(0.2)
    raise TimeoutError(f"{url} never named {version}")
