"""A real server and worker with some films and a model of them; and both clients, called alike."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Iterator
from pathlib import Path
from typing import Any

import pytest

from app.sample.films import read_films
from app.settings import Settings
from palate_client import AsyncClient, Client, Retry
from palate_client.inputs import ItemIn, RatingIn
from tests.conftest import prepare
from tests.processes import palate, server, wait_until

ONLY_WHEN_ASKED = {"PALATE_TRAIN_INTERVAL": "360000", "PALATE_TRAIN_MIN_CHANGES": "1000000"}
QUICK = Retry(first_s=0.01)
FILMS = [film for film in read_films() if not 1926 < film.year < 1979][:35]


@pytest.fixture(scope="session")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where a server answers that recommends films."""
    folder = tmp_path_factory.mktemp("client")
    settings = Settings(_env_file=None, database_url=f"sqlite:///{folder}/palate.db", model_store=folder / "models")
    asyncio.run(prepare(settings))
    with (
        server(settings, folder / "server.log") as http,
        palate("worker", settings, folder / "worker.log", fresh=False, **ONLY_WHEN_ASKED),
    ):
        with Client(str(http.base_url)) as client:
            store(client)
            train(client, folder / "worker.log")
        yield str(http.base_url)


def store(client: Client) -> None:
    """Store films and the ratings of two camps, each of which likes every other film."""
    items: list[ItemIn] = [
        {
            "item_id": film.item_id,
            "title": film.title,
            "categories": list(film.genres),
            "attributes": {"year": film.year},
        }
        for film in FILMS
    ]
    assert client.put_items(items).counts.refused == 0
    ratings: list[RatingIn] = [
        {"user_id": f"user {u}", "item_id": film.item_id, "value": 5 if i % 2 == u % 2 else 1.5}
        for u in range(25)
        for i, film in enumerate(FILMS)
        if (u + i) % 5
    ]
    assert client.rate_many(ratings).counts.created == len(ratings)


def train(client: Client, log: Path) -> None:
    """Train a first model, and wait until it answers."""
    run = client.start_run(kind="linear")
    *_, last = client.run_events(run.id)
    version = client.run(run.id).version
    assert version is not None, (last, log.read_text())
    wait_until(lambda: client.ready().model_version == version, "the model is loaded")


class Caller:
    """Calls a method of one of the clients by its name and returns its result: of an iterator, a list."""

    def __init__(self, kind: type[Client | AsyncClient], url: str, **options: Any) -> None:
        self.kind, self.url, self.options = kind, url, {"retry": QUICK, **options}
        self.called: set[str] = set()

    def __call__(self, method: str, *args: Any, **kwargs: Any) -> Any:
        self.called.add(method)
        if self.kind is AsyncClient:
            return asyncio.run(self.call_async(method, *args, **kwargs))
        with Client(self.url, **self.options) as client:
            answer = getattr(client, method)(*args, **kwargs)
            return list(answer) if isinstance(answer, Iterator) else answer

    async def call_async(self, method: str, *args: Any, **kwargs: Any) -> Any:
        async with AsyncClient(self.url, **self.options) as client:
            answer: Awaitable[Any] | AsyncIterator[Any] = getattr(client, method)(*args, **kwargs)
            return [each async for each in answer] if isinstance(answer, AsyncIterator) else await answer


@pytest.fixture(params=[Client, AsyncClient])
def kind(request: pytest.FixtureRequest) -> type[Client | AsyncClient]:
    """Each of the two clients."""
    kind: type[Client | AsyncClient] = request.param
    return kind


@pytest.fixture
def call(kind: type[Client | AsyncClient], url: str) -> Caller:
    """Calls the server by each of the two clients."""
    return Caller(kind, url)
