"""`python -m benchmarks.fuzzing SECONDS`: Schemathesis against real servers, on both databases, with and without a key.

Stops with the first server that something is found at; `exceptions.toml` says what counts as nothing.
"""

import asyncio
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from app.database.engine import open_database
from app.keys import service
from app.keys.scopes import Scope
from app.settings import Settings
from tests.conftest import prepare
from tests.postgres import new_database, throwaway_server
from tests.processes import server

EXCEPTIONS = Path(__file__).with_name("exceptions.toml")
OPEN = ["--exclude-checks", "ignored_auth"]  # a server on loopback asks for no key before the first is made
SCOPES = [scope for scope in Scope if scope is not Scope.METRICS]


async def make_key(settings: Settings) -> str:
    """Make a key for every call."""
    database = open_database(settings.database_url, 1)
    try:
        return (await database.write(service.create, "fuzzing", SCOPES)).secret
    finally:
        await database.close()


@contextmanager
def database_urls(folder: Path) -> Iterator[dict[str, str]]:
    """Make an empty database of each kind."""
    with throwaway_server() as address, new_database(address) as url:
        yield {"sqlite": f"sqlite:///{folder}/palate.db", "postgresql": url}


def fuzz(url: str, seconds: str, options: list[str]) -> None:
    """Try a server; raises `CalledProcessError` if something is found."""
    arguments = ["run", f"{url}/openapi.json", "--max-time", seconds, "--continue-on-failure", *options]
    command = [sys.executable, "-m", "schemathesis.cli", "--config-file", str(EXCEPTIONS), *arguments]
    subprocess.run(command, check=True, env=os.environ | {"SCHEMATHESIS_HOOKS": "benchmarks.fuzzing.hooks"})


def main(seconds: str) -> None:
    """Try servers on both databases: first without a key, then with one."""
    with tempfile.TemporaryDirectory() as name, database_urls(folder := Path(name)) as urls:
        for kind, url in urls.items():
            settings = Settings(_env_file=None, database_url=url, model_store=folder / kind)
            asyncio.run(prepare(settings))
            with server(settings, folder / f"{kind}.log") as client:
                address = str(client.base_url).rstrip("/")
                fuzz(address, seconds, OPEN)
                fuzz(address, seconds, ["--header", f"X-API-Key: {asyncio.run(make_key(settings))}"])


if __name__ == "__main__":
    main(sys.argv[1])
