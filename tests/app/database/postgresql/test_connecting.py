"""Which host is connected to, how, and why not."""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from sqlalchemy import make_url

from app.address import PostgresAddress, parse_address
from app.database.engine import check_access, open_database
from app.database.postgresql.connecting import Connector
from app.kit.errors import DatabaseUnavailable
from app.settings import Settings
from tests.processes import palate, run, wait_until
from tests.relay import relay


@pytest.fixture
def place(postgres_server: str) -> Iterator[str]:
    """Host and port of the PostgreSQL, on TCP."""
    with relay(postgres_server) as opened:
        url = make_url(opened.url)
        yield f"{url.host}:{url.port}"


@pytest.fixture
def silent() -> Iterator[str]:
    """Host and port of a server that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"127.0.0.1:{server.getsockname()[1]}"


def connected(url: str, ask: Callable[[asyncpg.Connection], Awaitable[Any]]) -> Any:
    """Connect, and ask the connection something."""
    address = parse_address(url)
    assert isinstance(address, PostgresAddress)

    async def asked() -> Any:
        connection = await Connector(address).connect()
        try:
            return await ask(connection)
        finally:
            await connection.close()

    return asyncio.run(asked())


async def number(connection: asyncpg.Connection) -> Any:
    return await connection.fetchval("SELECT 1")


def refusal(url: str) -> DatabaseUnavailable:
    with pytest.raises(DatabaseUnavailable) as refused:
        connected(url, number)
    return refused.value


def test_of_several_hosts_the_first_that_answers_is_taken(place: str, silent: str) -> None:
    hosts = f"127.0.0.1:1,{silent},no.such.host,{place}"
    assert connected(f"postgresql://postgres@{hosts}/postgres?connect_timeout=1", number) == 1


def test_the_host_to_write_to_is_found_among_several(place: str) -> None:
    url = f"postgresql://postgres@127.0.0.1:1,{place}/postgres?target_session_attrs=read-write"
    assert connected(url, number) == 1


def test_a_host_that_refuses_us_is_not_passed_over(place: str) -> None:
    refused = refusal(f"postgresql://postgres@{place},127.0.0.1:1/no_such_database")
    assert 'database "no_such_database" does not exist' in refused.cause


def test_parameters_reach_the_server(place: str) -> None:
    async def ask(connection: asyncpg.Connection) -> Any:
        row = await connection.fetchrow("SELECT current_setting('application_name'), current_setting('work_mem')")
        assert row is not None
        return tuple(row)

    url = f"postgresql://postgres@{place}/postgres?application_name=shop+1&options=-cwork_mem%3D8MB"
    assert connected(url, ask) == ("shop+1", "8MB")


def test_the_environment_says_what_the_address_leaves_out(place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    host, port = place.split(":")
    known = {"PGHOST": host, "PGPORT": port, "PGUSER": "postgres", "PGDATABASE": "postgres", "PGAPPNAME": "ada"}
    for name, value in known.items():
        monkeypatch.setenv(name, value)

    async def ask(connection: asyncpg.Connection) -> Any:
        return await connection.fetchval("SELECT current_setting('application_name')")

    assert connected("postgresql://", ask) == "ada"


def test_a_connection_is_kept_alive_as_libpq_does(place: str) -> None:
    async def ask(connection: asyncpg.Connection) -> Any:
        link = connection._transport.get_extra_info("socket")
        options = [(socket.SOL_SOCKET, socket.SO_KEEPALIVE), (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE)]
        return [link.getsockopt(*option) for option in options]

    url = f"postgresql://postgres@{place}/postgres"
    assert connected(f"{url}?keepalives_idle=77", ask) == [1, 77]
    assert connected(f"{url}?keepalives=0", ask)[0] == 0


@pytest.mark.parametrize(
    ("url", "cause", "is_lasting"),
    [
        ("postgresql://u@127.0.0.1:1/d", "127.0.0.1:1: connection refused", False),
        ("postgresql://u@no.such.host/d", "no.such.host:5432: ", True),
        ("postgresql://u@{silent}/d?connect_timeout=1", "{silent}: no answer within 1 seconds", False),
        ("postgresql://u@{place}/postgres", '{place}: role "u" does not exist', True),
        ("postgresql://postgres@{place}/d", '{place}: database "d" does not exist', True),
        (
            "postgresql://postgres@{place}/postgres?options=-cnone%3D1",
            'unrecognized configuration parameter "none"',
            True,
        ),
        ("postgresql://postgres@{place}/postgres?sslmode=require", "rejected SSL upgrade", True),
        ("postgresql://postgres@{place}/postgres?sslmode=verify-full", "Or set sslrootcert=system.", True),
        ("postgresql://postgres@{place}/postgres?sslnegotiation=perhaps", "must be one of: postgres, direct", True),
        ("postgresql://u@/d?host=/nowhere", "/nowhere:5432: No such file or directory", False),
    ],
)
def test_why_there_is_no_connection_is_said(place: str, silent: str, url: str, cause: str, is_lasting: bool) -> None:
    refused = refusal(url.format(place=place, silent=silent))
    assert cause.format(place=place, silent=silent) in refused.cause
    assert "\n" not in refused.cause
    assert refused.is_lasting == is_lasting
    assert refused.cause not in refused.detail
    assert refused.cause in str(refused)


def test_a_server_starts_before_its_database_but_not_without_the_right_address(place: str) -> None:
    asyncio.run(check_access("postgresql://u@127.0.0.1:1/d"))
    with pytest.raises(DatabaseUnavailable):
        asyncio.run(check_access(f"postgresql://postgres@{place}/no_such_database"))


def test_a_server_that_became_a_standby_is_left(postgres_server: str) -> None:
    async def work() -> None:
        database = open_database(postgres_server, 2)
        try:
            with pytest.raises(DatabaseUnavailable) as refused:
                await database.write(write_read_only)
            assert refused.value.cause == "cannot execute CREATE TABLE in a read-only transaction"
        finally:
            await database.close()

    def write_read_only(session: Any) -> None:
        session.connection().exec_driver_sql("SET TRANSACTION READ ONLY")
        session.connection().exec_driver_sql("CREATE TABLE never (n int)")

    asyncio.run(work())


@pytest.mark.parametrize("command", ["migrate", "serve", "worker"])
def test_a_command_ends_with_one_line(place: str, tmp_path: Path, command: str) -> None:
    url = f"postgresql://postgres@{place}/no_such_database"
    ended = run(Settings(_env_file=None, database_url=url, model_store=tmp_path), command)
    assert (ended.returncode, ended.stderr.count("\n")) == (2, 1)
    assert "PALATE_DATABASE_URL" in ended.stderr
    assert 'database "no_such_database" does not exist' in ended.stderr


@pytest.mark.parametrize(
    ("path", "cause"),
    [
        ("{folder}", "unable to open database file"),
        ("{folder}/text", "file is not a database"),
        ("{folder}/text/palate.db", "cannot make the folder {folder}/text"),
    ],
)
def test_a_file_that_cannot_be_a_database_is_said_in_one_line(tmp_path: Path, path: str, cause: str) -> None:
    (tmp_path / "text").write_text("These are words, and more than sixteen of their letters, but no pages of SQLite.")
    url = "sqlite:///" + path.format(folder=tmp_path)
    ended = run(Settings(_env_file=None, database_url=url, model_store=tmp_path), "migrate")
    assert (ended.returncode, ended.stderr.count("\n")) == (2, 1)
    assert cause.format(folder=tmp_path) in ended.stderr


def test_a_server_that_waits_logs_why(tmp_path: Path) -> None:
    settings = Settings(_env_file=None, database_url="postgresql://u@127.0.0.1:1/d", model_store=tmp_path)
    log = tmp_path / "log"
    with palate("serve", settings, log), palate("worker", settings, tmp_path / "worker.log"):
        for each in ("keys could not be read", "loader_waits_for_database"):
            wait_until(lambda: each in log.read_text(), "the server tries")  # noqa: B023 - called at once
        wait_until(lambda: "worker_waits_for_database" in (tmp_path / "worker.log").read_text(), "the worker tries")
    for line in (log.read_text() + (tmp_path / "worker.log").read_text()).splitlines():
        assert ("database" not in line and "keys" not in line) or "127.0.0.1:1: connection refused" in line
