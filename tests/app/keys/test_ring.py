"""Keys: made, used, refused, revoked."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient

from app.database.engine import Database
from app.keys import repository, service
from app.keys.ring import KeyRing
from app.keys.scopes import Scope
from app.keys.service import NewKey
from app.main import create_app
from app.settings import Settings

RunOnDatabase = Callable[[Callable[[Database], Awaitable[Any]]], Any]
READING = "/v1/items/nothing"
RATING = {"user_id": "ada", "item_id": "alien-1979", "value": 5}


@pytest.fixture
def make_key(run_on_database: RunOnDatabase) -> Callable[..., NewKey]:
    """Make a key in the database."""
    return lambda *scopes: run_on_database(lambda database: database.write(service.create, "test", scopes))


def reachable(settings: Settings) -> Settings:
    """Return settings of a server that other machines can reach."""
    return settings.model_copy(update={"host": "0.0.0.0", "poll_interval": timedelta(milliseconds=50)})


@pytest.fixture
def remote(settings: Settings) -> Iterator[TestClient]:
    """A client of a server beyond loopback."""
    with TestClient(create_app(reachable(settings)), base_url="http://localhost") as client:
        yield client


def with_key(key: NewKey) -> dict[str, str]:
    return {"X-API-Key": key.secret}


def test_on_loopback_without_any_key_everything_is_open(client: TestClient) -> None:
    assert client.get(READING).status_code == 404
    assert client.post("/v1/ratings", json=RATING).status_code == 200


def test_a_key_may_come_as_a_bearer_token_and_x_api_key_goes_first(
    remote: TestClient, make_key: Callable[..., NewKey]
) -> None:
    key = make_key(Scope.READ)
    for sent in (f"Bearer {key.secret}", f"bearer  {key.secret}"):
        assert remote.get(READING, headers={"Authorization": sent}).status_code == 404
        assert remote.post("/v1/ratings", json=RATING, headers={"Authorization": sent}).status_code == 403
    for sent in ("Bearer palate_wrong", "Bearer of.another.server", f"Basic {key.secret}", key.secret):
        assert remote.get(READING, headers={"Authorization": sent}).status_code == 401
        assert remote.get(READING, headers={"Authorization": sent} | with_key(key)).status_code == 404


def test_beyond_loopback_without_any_key_only_health_answers(remote: TestClient) -> None:
    refused = remote.get(READING)
    assert refused.status_code == 401
    assert refused.headers["content-type"] == "application/problem+json"
    assert refused.headers["www-authenticate"].startswith("ApiKey")
    assert refused.json()["type"] == "/problems/key-missing"
    assert remote.get("/metrics").status_code == 401
    assert remote.get("/health/ready").status_code == 200


def test_the_first_key_closes_a_loopback_server_too(client: TestClient, make_key: Callable[..., NewKey]) -> None:
    make_key(Scope.READ)
    refresh(client)
    assert client.get(READING).status_code == 401


def test_revoking_the_last_key_does_not_open_the_server(
    client: TestClient, make_key: Callable[..., NewKey], run_on_database: RunOnDatabase
) -> None:
    key = make_key(Scope.READ)
    run_on_database(lambda database: database.write(service.revoke, key.id))
    refresh(client)
    assert client.get(READING).status_code == 401
    assert client.get(READING, headers=with_key(key)).json()["type"] == "/problems/key-refused"


def test_a_key_works_at_once_after_it_was_made(remote: TestClient, make_key: Callable[..., NewKey]) -> None:
    key = make_key(Scope.READ)
    assert remote.get(READING, headers=with_key(key)).status_code == 404


def test_a_revoked_key_is_refused_within_the_poll_interval(
    remote: TestClient, make_key: Callable[..., NewKey], run_on_database: RunOnDatabase
) -> None:
    key = make_key(Scope.READ)
    assert remote.get(READING, headers=with_key(key)).status_code == 404
    assert run_on_database(lambda database: database.write(service.revoke, key.id))
    asyncio.run(asyncio.sleep(0.5))
    assert remote.get(READING, headers=with_key(key)).status_code == 401


@pytest.mark.parametrize(
    ("scopes", "statuses"),
    [
        ([Scope.READ], (404, 403, 403, 403)),
        ([Scope.WRITE], (403, 200, 403, 403)),
        ([Scope.EXPORT], (403, 403, 200, 403)),
        ([Scope.ADMIN], (403, 403, 403, 202)),
        (list(Scope), (404, 200, 200, 202)),
    ],
)
def test_a_scope_allows_its_calls_and_no_others(
    remote: TestClient, make_key: Callable[..., NewKey], scopes: list[Scope], statuses: tuple[int, ...]
) -> None:
    headers = with_key(make_key(*scopes))
    answers = (
        remote.get(READING, headers=headers),
        remote.post("/v1/ratings", json=RATING, headers=headers),
        remote.get("/v1/exports/ratings", headers=headers),
        remote.post("/v1/training-runs", headers=headers),
    )
    assert tuple(answer.status_code for answer in answers) == statuses


def test_a_key_in_the_query_string_is_ignored(remote: TestClient, make_key: Callable[..., NewKey]) -> None:
    secret = make_key(Scope.READ).secret
    assert remote.get(READING, params={"api_key": secret, "X-API-Key": secret}).status_code == 401


@pytest.mark.parametrize("key", [b"", b"palate_", b"\xff\xfe", b"x" * 5000])
def test_a_wrong_key_is_refused_whatever_its_form(remote: TestClient, key: bytes) -> None:
    assert remote.get(READING, headers={b"X-API-Key": key}).status_code == 401


def test_the_database_never_holds_the_key_itself(
    make_key: Callable[..., NewKey], run_on_database: RunOnDatabase
) -> None:
    key = make_key(Scope.READ)
    (stored,) = run_on_database(lambda database: database.read(repository.list_keys))
    assert key.secret not in {stored.hash, stored.name}
    assert len(stored.hash) == 64


def test_a_first_key_is_made_once(run_on_database: RunOnDatabase) -> None:
    async def twice(database: Database) -> tuple[NewKey | None, NewKey | None]:
        first = await database.write(service.create_first, "first", list(Scope))
        return first, await database.write(service.create_first, "first", list(Scope))

    first, second = run_on_database(twice)
    assert first is not None
    assert second is None


def test_revoking_a_key_twice_revokes_nothing(make_key: Callable[..., NewKey], run_on_database: RunOnDatabase) -> None:
    key = make_key(Scope.READ)
    assert run_on_database(lambda database: database.write(service.revoke, key.id))
    assert not run_on_database(lambda database: database.write(service.revoke, key.id))
    assert not run_on_database(lambda database: database.write(service.revoke, 999))


def refresh(client: TestClient) -> None:
    """Let the server read its keys now."""
    ring: KeyRing = client.app.state.keys  # type: ignore[attr-defined]
    assert client.portal is not None
    client.portal.call(ring.refresh)


def test_an_expired_key_is_refused_and_told_so(remote: TestClient, run_on_database: RunOnDatabase) -> None:
    past = datetime.now(UTC) - timedelta(seconds=1)
    key = run_on_database(lambda database: database.write(service.create, "test", [Scope.READ], past))
    refused = remote.get(READING, headers=with_key(key))
    assert (refused.status_code, refused.json()["type"]) == (401, "/problems/key-expired")
    assert "expired" in refused.json()["detail"]
    assert not run_on_database(lambda database: database.write(service.rotate, key.id, timedelta(hours=1)))


def test_a_key_of_the_metrics_scope_reads_nothing_but_metrics(
    remote: TestClient, make_key: Callable[..., NewKey]
) -> None:
    reading, headers = with_key(make_key(Scope.READ)), with_key(make_key(Scope.METRICS))
    assert remote.get("/metrics", headers=headers).status_code == 200
    assert remote.get(READING, headers=headers).status_code == 403
    assert remote.get("/metrics", headers=reading).status_code == 200


def test_a_rotated_key_works_on_for_its_grace_and_hands_on_its_scopes(
    remote: TestClient, make_key: Callable[..., NewKey], run_on_database: RunOnDatabase
) -> None:
    old = make_key(Scope.READ)
    new = run_on_database(lambda database: database.write(service.rotate, old.id, timedelta(hours=1)))
    assert remote.get(READING, headers=with_key(old)).status_code == 404
    assert remote.get(READING, headers=with_key(new)).status_code == 404
    assert remote.post("/v1/ratings", json=RATING, headers=with_key(new)).status_code == 403
    again = run_on_database(lambda database: database.write(service.rotate, old.id, timedelta(days=9)))
    first, *_ = run_on_database(lambda database: database.read(repository.list_keys))
    assert again
    assert first.expires_at < datetime.now(UTC) + timedelta(hours=2)


def test_the_last_use_of_a_key_is_stored_once_a_minute(
    client: TestClient, make_key: Callable[..., NewKey], run_on_database: RunOnDatabase
) -> None:
    def last_use() -> Any:
        return run_on_database(lambda database: database.read(repository.list_keys))[0].last_used_at

    key = make_key(Scope.READ)
    ring: KeyRing = client.app.state.keys  # type: ignore[attr-defined]
    assert client.portal is not None
    refresh(client)
    client.portal.call(ring.note_use)
    assert last_use() is None
    client.get(READING, headers=with_key(key))
    client.portal.call(ring.note_use)
    assert (first := last_use()) is not None
    client.get(READING, headers=with_key(key))
    client.portal.call(ring.note_use)
    assert last_use() == first
