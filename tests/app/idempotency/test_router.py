"""The same request under the same Idempotency-Key is carried out once, and gets the same answer."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.database.engine import Database, open_database
from app.erasure import repository as erasures
from app.erasure import service as erasure
from app.erasure.service import RolesRead
from app.idempotency import service
from app.idempotency.service import Answer, Once
from app.kit.errors import IdempotencyKeyReused
from app.kit.times import now_us
from app.settings import Settings
from app.transfer.incoming import KEPT_BYTES

RUNS = "/v1/training-runs"
IMPORT: dict[str, str | float] = {"kind": "ratings", "max_refused": 1}
ROWS = "user_id,item_id,rating\nada,alien,4\nada,heat,none\n"
Run = Callable[[Callable[[Database], Awaitable[object]]], object]


def keyed(key: str = "a", **more: str) -> dict[str, str]:
    return {"Idempotency-Key": key} | more


def test_a_repeated_request_queues_no_second_run(client: TestClient) -> None:
    first, again = (client.post(RUNS, json={"kind": "linear"}, headers=keyed()) for _ in range(2))
    assert (first.status_code, again.status_code) == (202, 202)
    assert (first.content, first.headers["Location"]) == (again.content, again.headers["Location"])
    assert "Idempotency-Replayed" not in first.headers
    assert again.headers["Idempotency-Replayed"] == "true"
    assert len(client.get(RUNS).json()["runs"]) == 1
    assert client.post(RUNS, json={"kind": "linear"}, headers=keyed("b")).json()["id"] != first.json()["id"]
    assert client.post(RUNS, json={"kind": "linear"}).json()["id"] != first.json()["id"]


def test_another_request_under_the_same_key_is_refused(client: TestClient) -> None:
    client.post(RUNS, json={"kind": "linear"}, headers=keyed())
    for answer in (
        client.post(RUNS, json={"kind": "linear", "seed": 2}, headers=keyed()),
        client.delete("/v1/users/ada", headers=keyed()),
    ):
        assert (answer.status_code, answer.json()["type"]) == (422, "/problems/idempotency-key-reused")


@pytest.mark.parametrize("key", ["", "x" * 256, "two words"])
def test_a_key_that_cannot_be_kept_is_refused_by_its_name(client: TestClient, key: str) -> None:
    answer = client.post(RUNS, headers=keyed(key))
    assert answer.status_code == 422
    assert "Idempotency-Key" in answer.json()["errors"][0]["field"]
    assert client.get(RUNS).json()["runs"] == []


def test_an_erasure_whose_answer_was_lost_gives_the_receipt_again(client: TestClient) -> None:
    client.post("/v1/ratings", json={"user_id": "ada", "item_id": "alien", "value": 4})
    first, again = (client.delete("/v1/users/ada", headers=keyed()) for _ in range(2))
    assert (first.status_code, again.status_code, first.content) == (200, 200, again.content)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert client.delete("/v1/users/ada", headers=keyed("b")).status_code == 404


def test_an_import_is_done_once(client: TestClient) -> None:
    def send(content: str, **more: Any) -> Any:
        headers = keyed() | {"Content-Type": "text/csv"}
        return client.post("/v1/imports", params=IMPORT | more, content=content, headers=headers)

    dry = send(ROWS, dry_run=True)
    assert "Idempotency-Replayed" not in dry.headers
    first = send(ROWS)
    client.post("/v1/ratings", json={"user_id": "ada", "item_id": "alien", "value": 1})
    again = send(ROWS)
    assert (first.status_code, again.status_code, first.content) == (200, 200, again.content)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.headers["Content-Type"] == first.headers["Content-Type"] == "application/x-ndjson"
    assert [json.loads(line)["status"] for line in first.text.splitlines()] == ["refused", "complete"]
    assert client.get("/v1/users/ada/ratings").json()["ratings"][0]["value"] == 1  # not taken again, as of now
    for other in (send(ROWS + "ada,brazil,3\n"), send(ROWS, max_refused=0.9)):
        assert (other.status_code, other.json()["type"]) == (422, "/problems/idempotency-key-reused")


def test_a_failed_import_is_tried_anew(client: TestClient) -> None:
    headers = keyed() | {"Content-Type": "text/csv"}
    assert client.post("/v1/imports?kind=ratings", content="user_id\nada\n", headers=headers).status_code == 422
    answer = client.post("/v1/imports", params=IMPORT, content=ROWS, headers=headers)
    assert (answer.status_code, "Idempotency-Replayed" in answer.headers) == (200, False)


def test_what_is_kept_of_a_long_answer(client: TestClient) -> None:
    content = ROWS + "ada,brazil,none\n" * 2_000
    headers = keyed() | {"Content-Type": "text/csv"}
    first, again = (client.post("/v1/imports", params=IMPORT, content=content, headers=headers) for _ in range(2))
    lines, kept = first.content.splitlines(), again.content.splitlines()
    assert (len(lines), kept[-1]) == (2_002, lines[-1])
    assert kept[:-1] == lines[: len(kept) - 1]
    assert KEPT_BYTES - 1_000 < len(again.content) < KEPT_BYTES + 1_000


def test_an_erasure_that_stopped_half_way_is_finished_under_its_key(client: TestClient, settings: Settings) -> None:
    client.post("/v1/ratings", json={"user_id": "ada", "item_id": "alien", "value": 4})
    once = Once.of("", "a", b"DELETE /v1/users/ada?\n")
    options = {"model_store": settings.model_store, "now_us": now_us()}
    on = asyncio.run(begin_erasure(settings, once, options))
    answer = client.delete("/v1/users/ada", headers=keyed())
    assert (answer.status_code, answer.json()["erasure_id"]) == (200, on)
    assert answer.json()["removed"] == {"users": 1, "ratings": 1, "rating_changes": 1, "events": 0}
    assert client.delete("/v1/users/ada", headers=keyed()).content == answer.content


async def begin_erasure(settings: Settings, once: Once, options: dict[str, Any]) -> str:
    """Take the first step of erasing a user, and no other."""
    database = open_database(settings.database_url)
    read = RolesRead(number=1, roles={})
    erasure_id = await database.write(erasure.erase_once, once, "ada", read, options=options)
    assert await database.read(erasures.unfinished) == [erasure_id]
    await database.close()
    return erasure_id


def test_two_at_once_on_two_processes_get_one_answer(settings: Settings, run_on_database: Run) -> None:
    once = Once.of("", "a", b"request")

    def work(session: Session) -> Answer:
        session.execute(text("UPDATE counters SET value = value + 1 WHERE name = 'ratings'"))
        return Answer(202, "{}")

    async def check(database: Database) -> None:
        other = open_database(settings.database_url)
        answers = await asyncio.gather(*(each.write(service.carry_out, once, work) for each in (database, other)))
        await other.close()
        assert sorted(answer.is_replayed for answer in answers) == [False, True]
        value = await database.read(
            lambda session: session.scalar(text("SELECT value FROM counters WHERE name = 'ratings'"))
        )
        assert value == 1

    run_on_database(check)


def test_a_key_is_the_callers_own_and_is_kept_for_a_day(run_on_database: Run) -> None:
    mine, theirs = (Once.of(caller, "a", b"request") for caller in ("me", "you"))

    def age(session: Session) -> None:
        session.execute(text("UPDATE idempotent_calls SET made_at = :then"), {"then": yesterday(session)})

    def yesterday(session: Session) -> Any:
        then = datetime.now(UTC) - timedelta(hours=25)
        return then if session.get_bind().dialect.name == "postgresql" else then.strftime("%Y-%m-%d %H:%M:%S.%f")

    async def check(database: Database) -> None:
        await database.write(service.carry_out, mine, lambda _: Answer(202, "mine"))
        assert await database.read(service.find, theirs) is None
        with pytest.raises(IdempotencyKeyReused):
            await database.read(service.find, Once.of("me", "a", b"another"))
        await service.forget_old(database)
        assert await database.read(service.find, mine) is not None
        await database.write(age)
        assert await database.read(service.find, mine) is None
        await service.forget_old(database)
        assert await database.read(lambda session: session.scalar(text("SELECT count(*) FROM idempotent_calls"))) == 0

    run_on_database(check)
