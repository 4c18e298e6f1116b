"""An event recorded while its user is erased is deleted with them, or stored without a user."""

import asyncio
import time
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy.orm import Session
from sqlalchemy.util import await_only

from app.database.engine import Database
from app.erasure.service import Receipt, erase_user
from app.feedback.parse import EventRow
from app.feedback.service import record
from app.ratings.conflict import RatingRow
from app.ratings.service import set_ratings
from app.settings import Settings
from tests.app.feedback.conftest import Stored

ROWS = [EventRow(1_000, 1, item, "impression", 1, "user", "v1", "new", item, 0, None, 2_000) for item in (1, 2)]
PAUSE_S = 0.4


def wait(session: Session) -> None:
    """Let time pass in the middle of a transaction."""
    if session.connection().dialect.name == "postgresql":
        await_only(asyncio.sleep(PAUSE_S))
    else:
        time.sleep(PAUSE_S)


def store_user(session: Session) -> None:
    set_ratings(session, [RatingRow("ada", "alien", 4.0, 10)], 20)


def record_slowly(session: Session) -> None:
    record(session, ROWS, 3_000)
    wait(session)


@pytest.mark.parametrize("erased_first", [False, True])
def test_no_event_keeps_an_erased_user(
    run_on_database: Callable[..., Any], settings: Settings, stored: Stored, *, erased_first: bool
) -> None:
    async def both(database: Database) -> Receipt:
        await database.write(store_user)

        async def erase(after_s: float = 0.0) -> Receipt:
            await asyncio.sleep(after_s)
            return await erase_user(database, settings.model_store, "ada")

        async def report() -> None:
            await database.write(record_slowly)

        if erased_first:
            receipt = await erase()
            await report()
            return receipt
        _, receipt = await asyncio.gather(report(), erase(PAUSE_S / 4))
        return receipt

    receipt: Receipt = run_on_database(both)
    assert receipt.erasure.removed["events"] == (0 if erased_first else 2)
    assert [event.user_id for event in stored()] == ([None, None] if erased_first else [])
