"""Group commit: many writers at once lose nothing."""

import asyncio
import subprocess
import sys
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from sqlalchemy.exc import DBAPIError

from app.database.engine import Database, open_database
from app.kit.errors import DatabaseUnavailable
from app.ratings.conflict import RatingRow, Status
from app.ratings.service import RatingWriter
from app.settings import Settings
from tests.app.ratings.test_service import history, state

Run = Callable[[Callable[[Database], Awaitable[object]]], Any]

ANOTHER_PROCESS = """
import asyncio, sys
from app.database.engine import open_database
from app.ratings.conflict import RatingRow
from app.ratings.service import RatingWriter

async def main(url, name):
    database = open_database(url)
    writer = RatingWriter(database)
    for start in range(0, 100, 10):
        rows = [RatingRow(f"{name}{n % 7}", f"i{n}", 4.0, 10) for n in range(start, start + 10)]
        await asyncio.gather(*(writer.submit([row]) for row in rows))
    await database.close()

asyncio.run(main(*sys.argv[1:]))
"""


def test_requests_that_wait_together_are_all_stored_and_numbered_without_gaps(run_on_database: Run) -> None:
    async def check(database: Database) -> None:
        writer = RatingWriter(database)
        rows = [RatingRow(f"u{n % 5}", f"i{n}", 4.0, 10) for n in range(200)]
        written = await asyncio.gather(*(writer.submit([row]) for row in rows))
        revisions = [answer.outcomes[0].revision for answer in written]
        assert sorted(revision or 0 for revision in revisions) == list(range(1, 201))
        assert all(answer.revision >= (answer.outcomes[0].revision or 0) for answer in written)
        assert await database.read(history) == list(range(1, 201))
        assert len(await database.read(state)) == 200

    run_on_database(check)


def test_each_request_gets_its_own_results(run_on_database: Run) -> None:
    async def check(database: Database) -> None:
        writer = RatingWriter(database)
        first = writer.submit([RatingRow("ada", "a", 4.0, 10)])
        second = writer.submit([RatingRow("ada", "a", 4.0, 10), RatingRow("ada", "b", 1.0, 10)])
        third = writer.submit([RatingRow("ada", "a", 3.0, 9)])
        statuses = [[outcome.status for outcome in w.outcomes] for w in await asyncio.gather(first, second, third)]
        assert statuses == [[Status.CREATED], [Status.UNCHANGED, Status.CREATED], [Status.STALE]]

    run_on_database(check)


def test_a_row_that_the_database_refuses_does_not_fail_other_requests(run_on_database: Run) -> None:
    async def check(database: Database) -> None:
        writer = RatingWriter(database)
        good, bad = RatingRow("ada", "a", 4.0, 10), RatingRow("ada", "b", 4.0, 2**70)
        answers = await asyncio.gather(
            writer.submit([good]), writer.submit([bad]), writer.submit([good]), return_exceptions=True
        )
        assert isinstance(answers[1], DBAPIError | OverflowError)
        assert [found[1] for found in await database.read(state)] == ["a"]

    run_on_database(check)


def test_a_lost_database_fails_every_request() -> None:
    async def check() -> None:
        database = open_database("postgresql://nobody@127.0.0.1:1/nowhere")
        writer = RatingWriter(database)
        rows = [RatingRow("ada", f"i{n}", 4.0, 10) for n in range(5)]
        answers = await asyncio.gather(*(writer.submit([row]) for row in rows), return_exceptions=True)
        assert all(isinstance(answer, DatabaseUnavailable) for answer in answers)
        await database.close()

    asyncio.run(check())


def test_closing_waits_for_what_was_submitted(run_on_database: Run) -> None:
    async def check(database: Database) -> None:
        writer = RatingWriter(database)
        answer = asyncio.create_task(writer.submit([RatingRow("ada", "a", 4.0, 10)]))
        await asyncio.sleep(0)
        await writer.close()
        assert len(await database.read(state)) == 1
        assert (await answer).revision == 1

    run_on_database(check)


def test_two_processes_writing_at_once_lose_nothing(settings: Settings, run_on_database: Run) -> None:
    command = [sys.executable, "-c", ANOTHER_PROCESS, settings.database_url]
    processes = [subprocess.Popen([*command, name]) for name in ("left", "right")]
    assert [process.wait(60) for process in processes] == [0, 0]

    async def check(database: Database) -> None:
        assert len(await database.read(state)) == 200
        assert await database.read(history) == list(range(1, 201))

    run_on_database(check)


def test_a_cancelled_request_does_not_stop_the_others(run_on_database: Run) -> None:
    async def check(database: Database) -> None:
        writer = RatingWriter(database)
        gone = asyncio.create_task(writer.submit([RatingRow("ada", "a", 4.0, 10)]))
        stays = asyncio.create_task(writer.submit([RatingRow("ada", "b", 4.0, 10)]))
        await asyncio.sleep(0)
        gone.cancel()
        with pytest.raises(asyncio.CancelledError):
            await gone
        assert (await stays).outcomes[0].status is Status.CREATED

    run_on_database(check)
