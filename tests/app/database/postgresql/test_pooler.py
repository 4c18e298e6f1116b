"""PostgreSQL behind a real PgBouncer, where each transaction may meet another connection; and TLS, which it speaks."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import make_url

from app.database.engine import open_database
from app.kit.errors import DatabaseUnavailable
from app.settings import Settings
from tests.pooler import Pooler
from tests.postgres import new_database
from tests.processes import run, server

pytestmark = pytest.mark.xdist_group("pooler")
NUM_USERS, NUM_ITEMS = 40, 30


@pytest.fixture
def database(postgres_server: str) -> Iterator[str]:
    """Name of an empty database."""
    with new_database(postgres_server) as url:
        yield str(make_url(url).database)


def settings_for(url: str, folder: Path) -> Settings:
    """Return settings of an instance."""
    return Settings(_env_file=None, database_url=url, model_store=folder / "models")


async def read_one(url: str) -> object:
    """Ask a database for a number."""
    database = open_database(url, 1)
    try:
        return await database.read(lambda session: session.connection().exec_driver_sql("SELECT 1").scalar_one())
    finally:
        await database.close()


def refusal(url: str) -> DatabaseUnavailable:
    """Return why a database cannot be asked."""
    with pytest.raises(DatabaseUnavailable) as refused:
        asyncio.run(read_one(url))
    return refused.value


def test_everything_works_behind_a_pooler(bouncer: Pooler, database: str, tmp_path: Path) -> None:
    settings = settings_for(bouncer.url(database), tmp_path)
    rows = [f"u{user},i{item},{1 + (user + item) % 5}" for user in range(NUM_USERS) for item in range(NUM_ITEMS)]
    (tmp_path / "ratings.csv").write_text("\n".join(["user,item,rating", *rows]))
    for command in (["migrate"], ["import", str(tmp_path / "ratings.csv")], ["train", "--kind", "linear"]):
        ended = run(settings, *command)
        assert ended.returncode == 0, ended.stderr
    with server(settings, tmp_path / "log") as client:
        for user in range(NUM_USERS):
            rated = client.post("/v1/ratings", json={"user_id": f"u{user}", "item_id": "i1", "value": 5})
            assert rated.json()["counts"]["updated"] + rated.json()["counts"]["unchanged"] == 1
            answer = client.get(f"/v1/users/u{user}/recommendations?include_rated=true").json()
            assert (answer["personalised"], len(answer["items"])) == (True, 10)
        lines = "".join(f'{{"user_id": "new", "item_id": "i{item}", "value": 3}}\n' for item in range(NUM_ITEMS))
        taken = client.post("/v1/imports?kind=ratings", content=lines, headers={"Content-Type": "application/x-ndjson"})
        assert taken.status_code == 200
        assert len(client.get("/v1/exports/ratings").text.splitlines()) == len(rows) + NUM_ITEMS


def test_calls_at_once_share_few_connections_without_mixing_statements(bouncer: Pooler, database: str) -> None:
    async def work() -> list[int]:
        opened = open_database(bouncer.url(database), 20)

        async def ask(number: int) -> int:
            row = await opened.fetch_row(f"SELECT {number} + $1::int", 1)
            assert row is not None
            found: int = await opened.read(
                lambda session: session.connection().exec_driver_sql(f"SELECT {number}, $1::int", (row[0],)).one()[1]
            )
            return found

        try:
            return await asyncio.gather(*map(ask, range(200)))
        finally:
            await opened.close()

    assert asyncio.run(work()) == list(range(1, 201))


def test_a_pooler_that_the_address_does_not_name_is_named(bouncer: Pooler, database: str, tmp_path: Path) -> None:
    ended = run(settings_for(bouncer.url(database, ""), tmp_path), "migrate")
    assert ended.returncode == 2
    assert ended.stderr.count("\n") == 1
    assert "add pgbouncer=true to its address" in ended.stderr


def test_a_certificate_is_checked_as_the_address_says(bouncer: Pooler) -> None:
    def url(mode: str, root: Path, host: str = "127.0.0.1") -> str:
        return bouncer.url("postgres", f"pgbouncer=true&sslmode={mode}&sslrootcert={root}", host=host)

    assert asyncio.run(read_one(url("verify-full", bouncer.authority))) == 1
    assert asyncio.run(read_one(url("verify-ca", bouncer.authority, "localhost"))) == 1
    other_name = refusal(url("verify-full", bouncer.authority, "localhost"))
    assert "not valid for 'localhost'" in other_name.cause
    stranger = refusal(url("verify-full", bouncer.stranger))
    assert "its certificate is refused" in stranger.cause
    assert other_name.is_lasting
    assert stranger.is_lasting


def test_a_wrong_password_is_said_in_one_line(bouncer: Pooler, tmp_path: Path) -> None:
    url = make_url(bouncer.url("postgres")).set(password="wrong").render_as_string(hide_password=False)
    assert refusal(url).is_lasting
    for command in ("migrate", "serve", "worker"):
        ended = run(settings_for(url, tmp_path), command)
        assert ended.returncode == 2
        assert ended.stderr.count("\n") == 1
        assert "password authentication failed" in ended.stderr
