"""Import against a bare bulk load of the same rows, and memory as the file grows.

python -m benchmarks.transfer --ratings FOLDER, or --rows 1000000 for synthetic rows; --postgres URL (a server's) adds
PostgreSQL. The bare load is one transaction into a table of the same columns with its primary key: executemany on
SQLite (same journal and sync settings), COPY on PostgreSQL, its rows ready in memory. Ours starts from the file.
"""

import argparse
import asyncio
import json
import multiprocessing
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asyncpg
import numpy as np
from sqlalchemy import make_url

from app.database import migrate
from app.database.engine import open_database
from app.ratings.scale import Scale
from app.transfer.cleaning.ratings import RatingCleaner
from app.transfer.importer import RefusedFile, Summary, import_sources
from app.transfer.options import Options
from app.transfer.reading.sources import find_sources
from app.transfer.reading.tables import Source

Row = tuple[int, int, float, int, int]
TABLE = (
    "(user_id bigint, item_id bigint, value {real}, rated_at_us bigint, revision bigint,"
    " PRIMARY KEY (user_id, item_id))"
)
DATABASE = "palate_bench_transfer"
HEADER = "user_id,item_id,value,rated_at\n"


def synthetic(folder: Path, num_rows: int) -> Path:
    """Write ratings by user: 100 each, of items of uneven popularity."""
    path = folder / "ratings.csv"
    with path.open("w") as stream:
        stream.write(HEADER)
        stream.writelines(line for lines in synthetic_lines(num_rows // 100) for line in lines)
    return path


def synthetic_lines(num_users: int) -> Iterator[list[str]]:
    """Return the lines of one user after the other, the same each time."""
    random = np.random.default_rng(0)
    for user in range(num_users):
        items = random.choice(10_000, 400, replace=True) * random.random(400)
        distinct = np.unique(items.astype(int))[:100]
        random.shuffle(distinct)
        values = random.integers(2, 11, len(distinct)) / 2
        times = random.integers(1_000_000_000, 1_700_000_000, len(distinct))
        yield [f"u{user},i{i},{v},{t}\n" for i, v, t in zip(distinct, values, times, strict=True)]


def ready_rows(sources: list[Source], scale: Scale) -> Iterator[Row]:
    """Return the rows with whole numbers for ids, as a bare load takes them."""
    users: dict[str, int] = {}
    items: dict[str, int] = {}
    for source in sources:
        if source.kind != "ratings":
            continue
        cleaner = RatingCleaner(source, scale, Options())
        for batch in source.batches():
            ratings = cleaner.clean(batch).ratings
            for place in range(len(ratings.values)):
                row = ratings.row(place)
                user = users.setdefault(row.user_id, len(users))
                item = items.setdefault(row.item_id, len(items))
                yield user, item, row.value or 0.0, row.rated_at_us or 0, len(users)


def bare_sqlite(folder: Path, rows: list[Row]) -> float:
    """Time executemany."""
    connection = sqlite3.connect(folder / "bare.db", isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("CREATE TABLE bare " + TABLE.format(real="float") + " WITHOUT ROWID")
    started = time.perf_counter()
    connection.execute("BEGIN")
    connection.executemany("INSERT INTO bare VALUES (?, ?, ?, ?, ?)", rows)
    connection.execute("COMMIT")
    seconds = time.perf_counter() - started
    connection.close()
    return seconds


async def bare_postgresql(url: str, rows: list[Row]) -> float:
    """Time COPY."""
    connection = await asyncpg.connect(url)
    await connection.execute("CREATE TABLE bare " + TABLE.format(real="float8"))
    started = time.perf_counter()
    await connection.copy_records_to_table("bare", records=rows)
    seconds = time.perf_counter() - started
    await connection.execute("DROP TABLE bare")
    await connection.close()
    return seconds


async def timed_import(url: str, sources: list[Source], scale: Scale, folder: Path) -> tuple[float, dict[str, int]]:
    """Time an import into a migrated database."""
    database = open_database(url)
    await database.write(migrate.upgrade)
    started = time.perf_counter()
    with RefusedFile(folder / "refused.ndjson") as refused:
        summary, quiet = Summary(), lambda *_: None
        await import_sources(
            database, sources, scale=scale, options=Options(), summary=summary, refused=refused, progress=quiet
        )
    seconds = time.perf_counter() - started
    await database.close()
    return seconds, dict(summary.ratings)


async def fresh_database(server: str) -> str:
    """Make a database on a PostgreSQL server."""
    connection = await asyncpg.connect(server)
    await connection.execute(f"DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)")
    await connection.execute(f"CREATE DATABASE {DATABASE}")
    await connection.close()
    return make_url(server).set(database=DATABASE).render_as_string(hide_password=False)


def measure(url: str, path: Path, scale: Scale, folder: Path) -> dict[str, Any]:
    """Measure one database: bare, ours, ours again."""
    sources = [source for source in find_sources(path, None, Options()) if source.kind == "ratings"]
    rows = list(ready_rows(sources, scale))
    is_sqlite = url.startswith("sqlite")
    bare = bare_sqlite(folder, rows) if is_sqlite else asyncio.run(bare_postgresql(url, rows))
    num_rows = len(rows)
    del rows
    ours, counts = asyncio.run(timed_import(url, sources, scale, folder))
    again, counts_again = asyncio.run(timed_import(url, sources, scale, folder))
    return {
        "database": url.split(":", 1)[0],
        "rows": num_rows,
        "bare_rows_per_s": round(num_rows / bare),
        "import_rows_per_s": round(num_rows / ours),
        "ratio": round(bare / ours, 3),
        "again_rows_per_s": round(num_rows / again),
        "counts": counts,
        "counts_again": counts_again,
    }


def peak_memory(num_rows: int) -> float:
    """Import synthetic rows into SQLite in a process of its own; give its peak resident memory in MiB."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(import_and_weigh, (num_rows,))


def import_and_weigh(num_rows: int) -> float:
    """Import, and weigh this process."""
    with tempfile.TemporaryDirectory() as name:
        sources = find_sources(synthetic(Path(name), num_rows), None, Options())
        asyncio.run(timed_import(f"sqlite:///{name}/palate.db", sources, Scale(1, 5, 0.5), Path(name)))
    # Not ru_maxrss: a process that was started by a larger one begins with the larger one's peak.
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


def main() -> None:
    """Measure and print a table and JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ratings", type=Path)
    parser.add_argument("--scale", default="1:5:0.5", help="MIN:MAX:STEP of the file")
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--postgres", help="URL of a server on which a database may be made")
    parser.add_argument("--memory", action="store_true", help="peak memory at --rows / 10 and at --rows")
    options = parser.parse_args()
    scale = Scale(*map(float, options.scale.split(":")))
    results: dict[str, Any] = {"speed": []}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        path = options.ratings or synthetic(folder, options.rows)
        urls = [f"sqlite:///{folder}/palate.db"]
        urls += [asyncio.run(fresh_database(options.postgres))] if options.postgres else []
        for url in urls:
            results["speed"].append(found := measure(url, path, scale, folder))
            print(
                f"{found['database']:<11} bare {found['bare_rows_per_s']:>9,}/s"
                f"   import {found['import_rows_per_s']:>9,}/s   ratio {found['ratio']:.2f}"
                f"   again {found['again_rows_per_s']:>9,}/s"
            )
    if options.memory:
        results["peak_mib"] = {num: peak_memory(num) for num in (options.rows // 10, options.rows)}
        print("peak memory:", ", ".join(f"{num:,} rows {mib:.0f} MiB" for num, mib in results["peak_mib"].items()))
    print(json.dumps(results))


if __name__ == "__main__":
    main()
