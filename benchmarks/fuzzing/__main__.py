"""Schemathesis against real servers, on both databases, with and without a key.

    python -m benchmarks.fuzzing --seconds 600      for each of the four servers
    python -m benchmarks.fuzzing --examples 15      of each call and phase: the same ones each time

Stops with the first server that something is found at; `exceptions.toml` says what counts as nothing.
"""

import argparse
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


def fuzz(url: str, options: list[str]) -> None:
    """Try a server; raises `CalledProcessError` if something is found."""
    arguments = ["run", f"{url}/openapi.json", "--continue-on-failure", *options]
    command = [sys.executable, "-m", "schemathesis.cli", "--config-file", str(EXCEPTIONS), *arguments]
    subprocess.run(command, check=True, env=os.environ | {"SCHEMATHESIS_HOOKS": "benchmarks.fuzzing.hooks"})


def read_extent() -> list[str]:
    """Read from the command line how much to try, as Schemathesis has it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    extent = parser.add_mutually_exclusive_group()
    extent.add_argument("--seconds", type=int, default=600)
    extent.add_argument("--examples", type=int)
    asked = parser.parse_args()
    if asked.examples is None:
        return ["--max-time", str(asked.seconds)]
    return ["--max-examples", str(asked.examples), "--seed", "1", "--no-shrink"]


def main() -> None:
    """Try servers on both databases: first without a key, then with one."""
    extent = read_extent()
    with tempfile.TemporaryDirectory() as name, database_urls(folder := Path(name)) as urls:
        for kind, url in urls.items():
            settings = Settings(_env_file=None, database_url=url, model_store=folder / kind)
            asyncio.run(prepare(settings))
            with server(settings, folder / f"{kind}.log") as client:
                address = str(client.base_url).rstrip("/")
                fuzz(address, [*extent, *OPEN])
                fuzz(address, [*extent, "--header", f"X-API-Key: {asyncio.run(make_key(settings))}"])


if __name__ == "__main__":
    main()
