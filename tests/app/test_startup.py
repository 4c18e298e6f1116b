"""What a process loads before it does its work: a small command starts at once, and a server holds what it serves."""

import asyncio
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from app.launch.prepare import migrate
from app.settings import Settings
from tests.processes import ROOT

RUN_COMMAND = """
import sys
from app.cli import app
app(sys.argv[1:], standalone_mode=False)
print(*sorted(sys.modules), file=sys.stderr)
"""
LOAD_SERVER = """
import sys
import app.launch.serve
print(*sorted(sys.modules), file=sys.stderr)
"""
OFFLINE_ONLY = {"matplotlib", "optuna", "pandas", "pyarrow", "scipy.stats", "typer"}
WEB = {"fastapi", "starlette", "uvicorn"}


def modules_after(script: str, folder: Path, *arguments: str, **variables: str) -> set[str]:
    """Run a script in a new interpreter and return the names of all that it loaded."""
    database = f"sqlite:///{folder}/palate.db"
    environment = os.environ | {"PYTHONPATH": str(ROOT), "PALATE_DATABASE_URL": database} | variables
    command = [sys.executable, "-c", script, *arguments]
    run = subprocess.run(command, env=environment, cwd=folder, capture_output=True, text=True, check=True)
    return set(run.stderr.splitlines()[-1].split())


@pytest.mark.parametrize(
    ("command", "spared"),
    [
        ("--help", {"alembic", "numpy", "pyarrow", "pydantic", "sqlalchemy"}),
        ("keys list", {"alembic", "numpy", "pyarrow"}),
        ("migrate", {"alembic", "app.tables", "numpy", "pyarrow", "rich.console"}),
        ("export ratings out.ndjson", {"alembic", "numpy", "pyarrow"}),
        ("export ratings out.parquet", {"alembic", "app.transfer.reading.tables"}),
        ("import ratings.csv", {"alembic"}),
    ],
)
def test_a_small_command_loads_only_what_it_needs(command: str, spared: set[str], tmp_path: Path) -> None:
    (tmp_path / "ratings.csv").write_text("user,item,rating\nann,alien,5\n")
    asyncio.run(migrate(Settings(_env_file=None, database_url=f"sqlite:///{tmp_path}/palate.db")))
    loaded = modules_after(RUN_COMMAND, tmp_path, *command.split())
    assert "app.cli" in loaded
    assert not loaded & {"torch", "asyncpg", "sqlalchemy.dialects.postgresql", "structlog", *WEB, *spared}


def test_up_checks_its_port_before_it_loads_anything_else(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        loaded = modules_after(RUN_COMMAND, tmp_path, "up", PALATE_HOST="127.0.0.1", PALATE_PORT=port)
    assert "app.launch.port" in loaded
    assert not loaded & {"app.launch.up", "numpy", "rich.console", "sqlalchemy", *WEB}


def test_a_server_loads_nothing_that_only_commands_and_training_need(tmp_path: Path) -> None:
    loaded = modules_after(LOAD_SERVER, tmp_path)
    assert {"fastapi", "torch"} <= loaded
    assert not loaded & OFFLINE_ONLY
