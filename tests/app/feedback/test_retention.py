"""Events are kept as long as the setting says, counted from the answer on."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy.orm import Session

from app.database.engine import Database
from app.feedback import repository
from app.feedback.parse import EventRow
from app.feedback.retention import Retention
from app.feedback.service import record
from app.kit.times import DAY_US, now_us
from app.settings import Settings
from tests.app.feedback.conftest import Stored


def row(days_ago: float, answer: int, item: int) -> EventRow:
    moment = now_us() - int(days_ago * DAY_US)
    return EventRow(moment, answer, item, "impression", None, "user", "v1", "new", item, 0, None, now_us())


def test_only_events_of_older_answers_are_deleted(
    run_on_database: Callable[..., Any], settings: Settings, stored: Stored, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(repository, "MAX_ROWS_PER_DELETE", 3)
    rows = [row(10 + days, days, item) for days in (1, 2, 3) for item in (1, 2, 3, 4)]
    rows += [row(9.9, 9, 1), row(0, 10, 1)]

    def store(session: Session) -> None:
        record(session, rows, now_us())

    async def look_twice(database: Database) -> tuple[int, int]:
        await database.write(store)
        retention = Retention(database, settings.model_copy(update={"keep_events_days": 10}))
        return await retention.poll(), await retention.poll()

    assert run_on_database(look_twice) == (12, 0)
    assert sorted(event.answer for event in stored()) == [9, 10]
