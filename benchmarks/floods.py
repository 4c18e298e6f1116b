"""Cheap floods without a key: how long a live probe waits while each goes on.

    (ulimit -n 200; palate serve) &
    python -m benchmarks.floods --url http://127.0.0.1:8000 --seconds 10

The floods are harmless but for their sizes: a header of 64 MiB, headers without an end, connections that say nothing,
bodies of 3.9 MB that are wrong in every field, and half a body. They come from a process of their own. Each probe is a
new connection; one that fails counts as `--timeout` seconds.
"""

import argparse
import asyncio
import json
import multiprocessing
import statistics
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass
from time import perf_counter, sleep
from urllib.parse import urlsplit

MEBIBYTE = 1024 * 1024
PAUSE_S = 0.02  # between two probes


@dataclass(frozen=True)
class Place:
    """Where the server listens."""

    host: str
    port: int


Flood = Callable[[Place], Coroutine[None, None, None]]


async def exchange(place: Place, data: bytes) -> bytes:
    """Send bytes on a new connection, and return what comes until the server closes."""
    reader, writer = await asyncio.open_connection(place.host, place.port)
    try:
        with suppress(ConnectionError):
            writer.write(data)
            await writer.drain()
        return await reader.read()
    finally:
        writer.close()


def request(method: str, path: str, headers: str = "", body: bytes = b"") -> bytes:
    """Write a request that asks for its connection to be closed."""
    length = f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n" if body else ""
    return f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{length}{headers}\r\n".encode() + body


async def nothing(_: Place) -> None:
    """Leave the server alone."""
    await asyncio.sleep(3_600)


async def large_header(place: Place) -> None:
    """Send headers of 64 MiB, one after another."""
    data = request("GET", "/health/live", f"X-Large: {'a' * 64 * MEBIBYTE}\r\n")
    while True:
        with suppress(ConnectionError):
            await exchange(place, data)


async def endless_headers(place: Place) -> None:
    """Send headers without an end on four connections."""

    async def one() -> None:
        while True:
            with suppress(ConnectionError):
                _, writer = await asyncio.open_connection(place.host, place.port)
                writer.write(b"GET /health/live HTTP/1.1\r\nX-Endless: ")
                for _ in range(1_000):
                    writer.write(b"a" * 65_536)
                    await writer.drain()

    await asyncio.gather(*(one() for _ in range(4)))


async def silence(place: Place) -> None:
    """Hold 260 connections that send half a request line; those that are closed are opened again."""

    async def one() -> None:
        while True:
            with suppress(OSError):
                reader, writer = await asyncio.open_connection(place.host, place.port)
                writer.write(b"GET /health")
                await reader.read()
                writer.close()
            await asyncio.sleep(1)

    await asyncio.gather(*(one() for _ in range(260)))


async def half_bodies(place: Place) -> None:
    """Hold 260 connections whose body never comes whole."""

    async def one() -> None:
        while True:
            with suppress(OSError):
                reader, writer = await asyncio.open_connection(place.host, place.port)
                writer.write(b"POST /v1/recommendations HTTP/1.1\r\nHost: localhost\r\n")
                writer.write(b"Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n{")
                await reader.read()
                writer.close()
            await asyncio.sleep(1)

    await asyncio.gather(*(one() for _ in range(260)))


def bad_body(path: str, body: bytes) -> Flood:
    """Return a flood of one body after another."""

    async def send(place: Place) -> None:
        data = request("POST", path, body=body)
        while True:
            with suppress(ConnectionError):
                await exchange(place, data)
            await asyncio.sleep(0.1)

    return send


def unknown_fields() -> bytes:
    """Write an object with 300,000 fields that are not known."""
    return json.dumps({"ratings": [], **{f"u{n}": 0 for n in range(300_000)}}).encode()


def wide_row() -> bytes:
    """Write an object with 400 fields that are not known."""
    return json.dumps({f"u{n}": 0 for n in range(400)}, separators=(",", ":")).encode()


FLOODS: dict[str, Flood] = {
    "nothing else": nothing,
    "a header of 64 MiB": large_header,
    "endless headers": endless_headers,
    "260 silent connections": silence,
    "260 half bodies": half_bodies,
    "unknown fields": bad_body("/v1/recommendations", unknown_fields()),
    "bad rows of a guest": bad_body("/v1/recommendations", b'{"ratings":[%s]}' % b",".join([b'{"a":1}'] * 490_000)),
    "bad events": bad_body("/v1/events", b"[%s]" % b",".join([b'{"t":"x"}'] * 300_000)),
    "bad ratings": bad_body("/v1/ratings", b"[%s]" % b",".join([b'{"u":"x"}'] * 300_000)),
    "bad rows of a merge": bad_body("/v1/users/a/merge", b'{"ratings":[%s]}' % b",".join([b'{"u":"x"}'] * 10_000)),
    "rows of unknown fields": bad_body("/v1/ratings", b"[%s]" % b",".join([wide_row()] * 1_000)),
    "names of a batch": bad_body("/v1/recommendations/batch", b'{"users":[%s]}' % b",".join([b"0"] * 1_900_000)),
}


async def probe(place: Place, timeout_s: float) -> float:
    """Return how long a live probe took."""
    started = perf_counter()
    with suppress(TimeoutError, ConnectionError):
        async with asyncio.timeout(timeout_s):
            if b" 200 " in (await exchange(place, request("GET", "/health/live")))[:20]:
                return perf_counter() - started
    return timeout_s


async def measure(place: Place, seconds: float, timeout_s: float) -> list[float]:
    """Probe for some time."""
    taken, end = list[float](), perf_counter() + seconds
    while perf_counter() < end:
        taken.append(await probe(place, timeout_s))
        await asyncio.sleep(PAUSE_S)
    return taken


def start(name: str, place: Place) -> None:
    """Flood until this process is ended."""
    asyncio.run(FLOODS[name](place))


def main() -> None:
    """Measure and print each flood."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", default="http://127.0.0.1:8000", help="of a server that runs")
    parser.add_argument("--only", nargs="*", choices=FLOODS, default=list(FLOODS))
    parser.add_argument("--seconds", type=float, default=5, help="of each flood")
    parser.add_argument("--timeout", type=float, default=10, help="of a probe")
    asked = parser.parse_args()
    parts = urlsplit(asked.url)
    place = Place(parts.hostname or "127.0.0.1", parts.port or 80)
    print(f"{'flood':24} {'probes':>6} {'median':>9} {'slowest':>9}")
    for name in asked.only:
        flooding = multiprocessing.Process(target=start, args=(name, place))
        flooding.start()
        sleep(0.5)
        taken = asyncio.run(measure(place, asked.seconds, asked.timeout))
        print(
            f"{name:24} {len(taken):6} {statistics.median(taken) * 1e3:6.1f} ms {max(taken) * 1e3:6.0f} ms", flush=True
        )
        flooding.kill()
        flooding.join()
        sleep(1)


if __name__ == "__main__":
    main()
