"""How long callers wait while PostgreSQL stands still (SIGSTOP), route by route.

    python -m benchmarks.frozen [ROUNDS]

Each round stops a server of its own, makes one call on every route at once, then again, and lets it go on.
"""

import asyncio
import sys
import tempfile
from pathlib import Path

from app.database import migrate
from app.database.engine import open_database
from app.settings import Settings
from tests.frozen import Asked, ask_together, describe, own_server, settings_of
from tests.openapi_examples import one_each
from tests.processes import server, wait_until

TIMEOUT_S = 60
SHOWN = 5


async def prepare(settings: Settings) -> None:
    """Run the migrations."""
    database = open_database(settings.database_url)
    await database.write(migrate.upgrade)
    await database.close()


def measure(folder: Path, rounds: int) -> list[list[Asked]]:
    """Return the answers of each time that all routes were called."""
    found = []
    with own_server(folder / "data") as own:
        settings = settings_of(own.url, folder)
        asyncio.run(prepare(settings))
        with server(settings, folder / "server.log") as client:
            examples = one_each(client.get("/openapi.json").json())
            for _ in range(rounds):
                wait_until(lambda: client.get("/health/ready").status_code == 200, "it is ready")
                with own.stopped():
                    found += [ask_together(str(client.base_url), examples, TIMEOUT_S) for _ in range(2)]
    return found


def main() -> None:
    """Measure, and print the slowest."""
    rounds = int(sys.argv[1]) if sys.argv[1:] else 5
    with tempfile.TemporaryDirectory(prefix="palate-frozen-") as name:
        Path(name).chmod(0o755)  # PostgreSQL runs as another user where this is root's
        found = measure(Path(name), rounds)
    for number, asked in enumerate(found):
        print("again:" if number % 2 else "stopped:", describe(asked))
    slowest = sorted((each for asked in found for each in asked), key=lambda each: -each.seconds)
    for each in slowest[:SHOWN]:
        print(f"{each.seconds:.2f} s  {each.status}  {each.example.method.upper()} {each.example.path}")


if __name__ == "__main__":
    main()
