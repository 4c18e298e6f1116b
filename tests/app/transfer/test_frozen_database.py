"""An import over HTTP whose database stands still: the caller gets an answer, though the body has not ended."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.database.engine import Database, open_database
from app.settings import Settings
from app.tables import Rating
from tests.app.building import build_app
from tests.relay import Relay, relay

GUARD_S = 60  # the driver's own patience is 600
ROWS_A_PIECE = 8_000


@pytest.fixture
def link(settings: Settings) -> Iterator[Relay]:
    """A relay before the migrated database."""
    with relay(settings.database_url) as opened:
        yield opened


def piece(number: int) -> dict[str, Any]:
    """Return a part of a body that never ends: more than is stored at once."""
    rows = ({"user_id": f"user {number}", "item_id": f"item {n}", "value": 4} for n in range(ROWS_A_PIECE))
    body = "".join(json.dumps(row) + "\n" for row in rows)
    return {"type": "http.request", "body": body.encode(), "more_body": True}


def num_ratings(session: Session) -> int:
    return session.scalar(select(func.count()).select_from(Rating)) or 0


async def until_some_are_stored(database: Database) -> None:
    while True:
        if await database.read(num_ratings):
            return
        await asyncio.sleep(0.05)


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_it_is_answered_at_once_and_counts_what_was_stored(settings: Settings, link: Relay) -> None:
    app = build_app(settings.model_copy(update={"database_url": link.url}))
    scope = {
        "type": "http",
        "method": "POST",
        "path": "/v1/imports",
        "raw_path": b"/v1/imports",
        "query_string": b"kind=ratings",
        "headers": [(b"content-type", b"application/x-ndjson")],
    }

    async def work() -> tuple[int, dict[str, Any], int]:
        body, answer = asyncio.Queue[Any](), list[Any]()

        async def send(message: Any) -> None:
            answer.append(message)

        direct = open_database(settings.database_url)
        async with app.router.lifespan_context(app):
            asking = asyncio.create_task(app(scope, body.get, send))
            body.put_nowait(piece(1))
            await until_some_are_stored(direct)
            link.freeze()
            body.put_nowait(piece(2))
            await asyncio.wait_for(asking, GUARD_S)
            num_stored = await direct.read(num_ratings)
            link.thaw()
        await direct.close()
        return answer[0]["status"], json.loads(answer[1]["body"]), num_stored

    status, problem, num_stored = asyncio.run(work())
    assert (status, problem["type"]) == (503, "/problems/database-silent")
    assert f"{num_stored:,} rows before that are stored" in problem["detail"]
