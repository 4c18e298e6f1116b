"""What a call meets while another holds what it needs, or while the database stands still."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from time import sleep
from typing import Any
from uuid import uuid4

import asyncpg
import pytest
from sqlalchemy import make_url, text
from sqlalchemy.orm import Session

from app.address import PostgresAddress, parse_address
from app.database import counters, migrate
from app.database.engine import Database, open_database
from app.database.limits import Places, server_limits
from app.database.postgresql.connecting import Connector
from app.database.postgresql.hot import Pulse
from app.database.trouble import Trouble
from app.kit.errors import (
    DatabaseBusy,
    DatabaseDamaged,
    DatabaseForbidden,
    DatabaseNotUnicode,
    DatabaseReadOnly,
    DatabaseSilent,
    DatabaseUnavailable,
    OutcomeUnknown,
    RatingNotFound,
)
from app.launch.doctor.data import check_server, read_server
from app.launch.doctor.run import check_writes
from app.ratings.conflict import RatingRow
from app.ratings.service import RatingWriter
from app.settings import Settings
from app.transfer.importer import OF_COMMANDS, write_patiently
from app.web.health import check_database
from tests.relay import Relay, relay

LOCK_S = 0.3
HOT = "SELECT value FROM counters WHERE name = 'ratings'"
ADD = "UPDATE counters SET value = value + 1 WHERE name = 'ratings'"
on_postgresql = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)


def add(session: Session) -> None:
    """Write, under the counter's lock."""
    counters.move(session, "ratings", counters.lock(session, "ratings") + 1)


def value(session: Session) -> int:
    """Read what `add` wrote."""
    return counters.read(session, "ratings")


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[Database]:
    """Open the database as a server does."""
    database = open_database(url, 6, server_limits(LOCK_S))
    try:
        yield database
    finally:
        await database.close()


@asynccontextmanager
async def lock_held(url: str) -> AsyncIterator[None]:
    """Hold the lock that writers need, from another connection."""
    if url.startswith("sqlite"):
        other = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        yield
        other.close()
        return
    connection = await asyncpg.connect(url)
    await connection.execute("BEGIN; SELECT * FROM counters FOR UPDATE")
    yield
    await connection.close()


def test_a_lock_that_another_holds_stops_writers_and_no_one_else(settings: Settings) -> None:
    async def work() -> None:
        async with opened(settings.database_url) as database:
            writer = RatingWriter(database)
            async with lock_held(settings.database_url):
                posting = [asyncio.create_task(writer.submit([RatingRow("ada", f"i{n}", 4.0, 10)])) for n in range(20)]
                writing = [asyncio.create_task(database.write(add)) for _ in range(20)]
                await asyncio.sleep(LOCK_S / 3)
                assert await database.read(value) == 0
                assert await database.scan(value) == 0
                assert await database.check(value) == 0
                assert tuple(await database.fetch_row(HOT) or ()) == (0,)
                found = await asyncio.gather(*posting, *writing, return_exceptions=True)
                assert {type(each) for each in found} == {DatabaseBusy}
                assert database.trouble.problem()
            await database.write(add)
            assert await database.read(value) == 1
            assert database.trouble.problem() is None

    asyncio.run(work())


def test_a_watch_that_ends_while_it_asks_leaves_no_question_behind() -> None:
    async def work() -> None:
        asked, ended = asyncio.Event(), asyncio.Event()

        async def ask() -> None:
            asked.set()
            try:
                await asyncio.sleep(60)
            finally:
                ended.set()

        pulse = Pulse(ask, silence_s=60, cut=lambda: None)
        async with asyncio.timeout(None) as limit:
            with pulse.watch(limit):
                await asked.wait()
                await pulse.close()
        assert ended.is_set()

    asyncio.run(work())


@pytest.fixture
def link(settings: Settings) -> Iterator[Relay]:
    """A relay before the migrated database."""
    with relay(settings.database_url) as opened_relay:
        yield opened_relay


def calls_of(database: Database) -> list[Awaitable[Any]]:
    """Call the database in every way there is."""
    return [
        database.read(value),
        database.scan(value),
        database.check(value),
        database.fetch_row(HOT),
        database.write(add),
    ]


@on_postgresql
def test_a_server_that_stands_still_is_silent_until_it_goes_on(link: Relay) -> None:
    async def work() -> None:
        async with opened(link.url) as database:
            await asyncio.gather(*calls_of(database))
            link.freeze()
            found = await asyncio.gather(*calls_of(database), return_exceptions=True)
            assert {type(each) for each in found} == {DatabaseSilent}  # after the driver's own 600 s: DatabaseBusy
            again = await asyncio.gather(*calls_of(database), return_exceptions=True)
            assert {type(each) for each in again} == {DatabaseSilent}
            link.thaw()
            await until_it_answers(database)
            await asyncio.gather(*calls_of(database))

    asyncio.run(work())


async def until_it_answers(database: Database) -> None:
    """Wait until a call is answered."""
    while True:
        try:
            await database.read(value)
        except DatabaseUnavailable:
            await asyncio.sleep(0.02)
        else:
            return


@on_postgresql
def test_a_role_without_the_privileges_is_told_which(settings: Settings) -> None:
    role = f"guest_{uuid4().hex}"

    async def work() -> None:
        owner = await asyncpg.connect(settings.database_url)
        await owner.execute(f"CREATE ROLE {role} LOGIN")
        guest = make_url(settings.database_url).set(username=role).render_as_string(hide_password=False)
        try:
            async with opened(guest) as database:
                found = await asyncio.gather(*calls_of(database), return_exceptions=True)
        finally:
            await owner.execute(f"DROP ROLE {role}")
            await owner.close()
        assert {type(each) for each in found} == {DatabaseForbidden}
        assert all("permission denied for table counters: grant" in str(each) for each in found)

    asyncio.run(work())


@on_postgresql
def test_a_server_that_takes_no_writes_is_told_apart_from_one_that_is_gone(settings: Settings) -> None:
    database_name = make_url(settings.database_url).database

    async def work() -> None:
        owner = await asyncpg.connect(settings.database_url)
        await owner.execute(f'ALTER DATABASE "{database_name}" SET default_transaction_read_only = on')
        try:
            async with opened(settings.database_url) as database:
                before = await database.read(value)
                for _ in range(2):
                    with pytest.raises(DatabaseReadOnly, match="read-only transaction"):
                        await database.write(add)
                assert await database.read(value) == before
                refused = await check_writes(database)
                assert refused is not None
                assert (refused.check, "read-only" in refused.found) == ("writes", True)
                with pytest.raises(DatabaseReadOnly):  # at once: an import waits for a lost database only
                    await asyncio.wait_for(write_patiently(database, OF_COMMANDS, add), 5)
                await owner.execute(f'ALTER DATABASE "{database_name}" RESET default_transaction_read_only')
                await database.write(add)  # a connection that was refused is not used again
                assert await check_writes(database) is None
        finally:
            await owner.close()

    asyncio.run(work())


@on_postgresql
def test_a_database_of_another_encoding_is_refused_before_anything_is_stored(settings: Settings) -> None:
    name = f"latin_{uuid4().hex}"

    async def work() -> None:
        owner = await asyncpg.connect(settings.database_url)
        await owner.execute(f"CREATE DATABASE {name} ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0")
        latin = make_url(settings.database_url).set(database=name).render_as_string(hide_password=False)
        try:
            async with opened(latin) as database:
                with pytest.raises(DatabaseNotUnicode, match="This one is LATIN1"):
                    await database.write(migrate.upgrade)
                with pytest.raises(DatabaseNotUnicode):
                    await database.read(lambda session: session.scalar(text("SELECT length(:word)"), {"word": "東京"}))
                server = await database.read(read_server)
            assert "it is LATIN1" in check_server(server, "PostgreSQL", 5).found
        finally:
            await owner.execute(f"DROP DATABASE {name} WITH (FORCE)")
            await owner.close()

    asyncio.run(work())


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_damaged_file_is_called_one(settings: Settings) -> None:
    path = Path(settings.database_url.removeprefix("sqlite:///"))

    def damage() -> None:
        path.write_bytes(path.read_bytes()[:100] + b"\xff" * (path.stat().st_size - 100))

    async def work() -> None:
        async with opened(settings.database_url) as database:
            await database.write(add)
        damage()
        async with opened(settings.database_url) as database:
            for call in (database.read, database.write, database.scan):
                with pytest.raises(DatabaseDamaged):
                    await call(add if call is database.write else value)
            found = await check_database(database)
        assert (found.database, found.is_usable) == ("unreachable", False)
        assert found.problem == "the database cannot be used: database disk image is malformed"

    asyncio.run(work())


@on_postgresql
def test_an_error_of_the_work_is_raised_though_the_connection_is_lost(link: Relay) -> None:
    def find_nothing(session: Session) -> None:
        value(session)
        link.cut()
        sleep(0.05)
        raise RatingNotFound

    async def work() -> None:
        async with opened(link.url) as database:
            for call in (database.read, database.write, database.scan):
                with pytest.raises(RatingNotFound):
                    await call(find_nothing)
                link.mend()
            assert await database.read(value) == 0

    asyncio.run(work())


@on_postgresql
def test_a_connection_whose_end_is_announced_is_left_for_another(link: Relay) -> None:
    async def work() -> None:
        async with opened(link.url) as database:
            for _ in range(3):
                await asyncio.gather(*calls_of(database))
                link.announce_end()
                await asyncio.sleep(0.1)  # until the driver has read it
                for call in calls_of(database):
                    await call

    asyncio.run(work())


@on_postgresql
@pytest.mark.parametrize(("when", "num_stored"), [("before", 0), ("after", 1)])
def test_a_commit_whose_answer_is_lost_may_be_stored(link: Relay, when: Any, num_stored: int) -> None:
    async def work() -> None:
        async with opened(link.url) as database:
            writer = RatingWriter(database)
            link.lose_commits(when)
            with pytest.raises(OutcomeUnknown, match="may be stored"):
                await database.write(add)
            with pytest.raises(OutcomeUnknown):
                await writer.submit([RatingRow("ada", "alien", 4.0, 10)])
            link.lose_commits(None)
            assert await database.read(value) == 2 * num_stored
            assert await database.read(lambda session: session.scalar(text("SELECT count(*) FROM users"))) == num_stored

    asyncio.run(work())


@on_postgresql
def test_a_connection_that_ends_before_the_commit_stores_nothing_and_is_replaced(settings: Settings) -> None:
    is_first = iter([True])

    def add_and_lose(session: Session) -> None:
        add(session)
        if next(is_first, False):
            driver: Any = session.connection().connection.driver_connection
            driver.terminate()

    async def work() -> int:
        async with opened(settings.database_url) as database:
            await database.write(add_and_lose)
            return await database.read(value)

    assert asyncio.run(work()) == 1


@on_postgresql
def test_a_transaction_that_stands_still_is_ended_and_run_again(settings: Settings) -> None:
    is_first = iter([True])

    def stand_still(session: Session) -> None:
        session.execute(text("SET LOCAL idle_in_transaction_session_timeout = '50ms'"))
        add(session)
        if next(is_first, False):
            sleep(0.5)

    async def work() -> int:
        async with opened(settings.database_url) as database:
            await database.write(stand_still)
            return await database.read(value)

    assert asyncio.run(work()) == 1


NAMES = ("lock_timeout", "statement_timeout", "idle_in_transaction_session_timeout")


@on_postgresql
@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ("", ["300ms", "30s", "3s"]),
        ("?options=-cstatement_timeout%3D7s", ["300ms", "7s", "3s"]),
        ("?options=-c%20lock_timeout%3D5s%20--idle-in-transaction-session-timeout%3D9s", ["5s", "30s", "9s"]),
    ],
)
def test_sessions_have_our_limits_unless_the_address_sets_others(
    link: Relay, options: str, expected: list[str]
) -> None:
    async def work() -> list[Any]:
        async with opened(link.url + options) as database:
            return [
                await database.write(lambda session, each: session.scalar(text(f"SHOW {each}")), name) for name in NAMES
            ]

    assert asyncio.run(work()) == expected


@on_postgresql
def test_long_reads_may_take_their_time(settings: Settings) -> None:
    async def work() -> Any:
        async with opened(settings.database_url) as database:
            return await database.scan(lambda session: session.scalar(text("SHOW statement_timeout")))

    assert asyncio.run(work()) == "0"


def test_a_host_that_is_gone_is_not_tried_first_again(postgres_server: str) -> None:
    async def work() -> list[int]:
        with relay(postgres_server) as first, relay(postgres_server) as second:
            hosts = ",".join(each.url.split("@")[-1].split("/")[0] for each in (first, second))
            address = parse_address(f"postgresql://postgres@{hosts}/postgres")
            assert isinstance(address, PostgresAddress)
            first.cut()
            connector = Connector(address)
            for _ in range(2):
                connection = await connector.connect()
                await connection.close()
            first.mend()
            connection = await connector.connect()
            used = connection._addr
            await connection.close()
            return [used[1], int(second.url.split(":")[-1].split("/")[0])]

    used, second = asyncio.run(work())
    assert used == second


@pytest.mark.parametrize("pool_size", [1, 5, 12, 40])
def test_every_kind_of_work_has_a_place_of_its_own(pool_size: int) -> None:
    places = vars(Places.of(pool_size))
    assert min(places.values()) == 1
    assert sum(places.values()) == max(pool_size, 5)


def test_a_failed_write_is_remembered_until_one_succeeds() -> None:
    trouble = Trouble(is_logged=False)
    trouble.note(DatabaseUnavailable(cause="database or disk is full"), is_write=True)
    assert trouble.problem() == "the last write failed: database or disk is full"
    assert trouble.num_failures == {"database-unavailable": 1}
    trouble.note_written()
    assert trouble.problem() is None


def test_a_flood_of_failures_is_a_few_lines_of_log(capsys: pytest.CaptureFixture[str]) -> None:
    trouble = Trouble(is_logged=True)
    for _ in range(1_000):
        trouble.note(DatabaseUnavailable(cause="database or disk is full"), is_write=True)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 1
    assert "database or disk is full" in lines[0]


def test_a_full_disk_is_told_by_its_reason(tmp_path: Path) -> None:
    async def work() -> str | None:
        database = open_database(f"sqlite:///{tmp_path}/palate.db")
        await database.write(lambda session: session.execute(text("CREATE TABLE t (x)")).close())
        await database.write(lambda session: session.execute(text("PRAGMA max_page_count = 20")).close())
        with pytest.raises(DatabaseUnavailable):
            await database.write(lambda session: session.execute(text("INSERT INTO t VALUES (zeroblob(9e6))")).close())
        await database.close()
        return database.trouble.problem()

    assert asyncio.run(work()) == "the last write failed: database or disk is full"
