"""The path of a rating, with real processes: POSTed, stored, trained, published, loaded, recommended."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event

import pytest

from app.settings import Settings
from palate_client import Client
from palate_client.answers import Recommendations, Run
from palate_client.inputs import RatingIn
from tests.impatient import NO_RETRY
from tests.processes import palate, server, wait_until

NUM_USERS = 40
ITEMS = [f"even/{i}" if i % 2 == 0 else f"odd/{i}" for i in range(16)]


def camp_ratings(first: int, last: int) -> list[RatingIn]:
    """Users of two camps; each leaves out a few items, so that there is something to recommend."""
    return [
        {"user_id": f"user {u}", "item_id": item, "value": 5 if i % 2 == u % 2 else 1.5}
        for u in range(first, last)
        for i, item in enumerate(ITEMS)
        if (u + i) % 5
    ]


def ids(answer: Recommendations) -> list[str]:
    return [item.item_id for item in answer.items]


@pytest.fixture
def two_servers(settings: Settings, tmp_path: Path) -> Iterator[tuple[Client, Client]]:
    """Two API processes on one database and one model store."""
    with (
        server(settings, tmp_path / "one.log") as one,
        server(settings, tmp_path / "two.log") as two,
        Client(str(one.base_url), retry=NO_RETRY) as first,
        Client(str(two.base_url), retry=NO_RETRY) as second,
    ):
        yield first, second


def test_a_rating_is_stored_trained_published_loaded_and_recommended(
    settings: Settings, tmp_path: Path, two_servers: tuple[Client, Client]
) -> None:
    one, two = two_servers
    assert one.recommend("ada").reason == "no_items"
    assert one.rate_many(camp_ratings(0, NUM_USERS)).counts.refused == 0
    first_guess = two.recommend("user 0", limit=20)
    assert first_guess.reason == "no_model"
    assert {item.source for item in first_guess.items} == {"popular"}

    with palate("worker", settings, tmp_path / "worker.log", PALATE_TRAIN_INTERVAL="3600"):
        ended = followed(two, one.start_run(kind="linear").id)
        assert ended.state == "succeeded", (ended, (tmp_path / "worker.log").read_text())
    for client in (one, two):
        wait_until(lambda c=client: c.recommend("user 0").model_version == ended.version, "the model is loaded")

    # A newcomer's rating counts at once, in both processes, and so do its change and its removal.
    assert one.rate_many([{"user_id": "ada", "item_id": item, "value": 5} for item in ITEMS[:6:2]]).counts.created == 3
    for client in (two, one):
        answer = client.recommend("ada", limit=5)
        assert answer.personalised
        assert sorted(ids(answer)) == sorted(ITEMS[6::2])
        assert {item.source for item in answer.items} == {"personal"}
    before = two.recommend("ada", limit=20)
    two.rate("ada", "odd/1", 5)
    assert "odd/1" not in ids(one.recommend("ada", limit=20))
    one.unrate("ada", "odd/1")
    assert two.recommend("ada", limit=20).items == before.items

    # An item switched off in one process is gone from the other's next answer.
    two.update_item("even/14", active=False)
    assert "even/14" not in ids(one.recommend("ada", limit=20))
    ready = one.ready()
    assert (ready.status, ready.model_version, ready.problem) == ("ok", ended.version, None)


def test_no_answer_fails_while_versions_are_published_and_swapped(settings: Settings, tmp_path: Path) -> None:
    with (
        server(settings, tmp_path / "server.log") as http,
        palate("worker", settings, tmp_path / "worker.log", PALATE_TRAIN_INTERVAL="3600"),
        Client(str(http.base_url), retry=NO_RETRY) as client,
    ):
        assert client.rate_many(camp_ratings(0, NUM_USERS)).counts.refused == 0
        versions = [
            version_of(client, client.start_run(kind="linear", cold=True)),
            version_of(client, client.start_run(kind="denoising", epochs=2, cold=True)),
        ]
        wait_until(lambda: client.recommend("user 0").model_version is not None, "a model is loaded")
        stop = Event()
        with ThreadPoolExecutor(8) as pool:
            watching = [pool.submit(watch, client.base_url, stop) for _ in range(8)]
            for version in versions * 3:
                client.activate(version, force=True)
                wait_until(lambda v=version: client.recommend("user 0").model_version == v, "it is loaded")
            stop.set()
            answers = [answer for watcher in watching for answer in watcher.result()]
    assert len(answers) > 100
    assert {answer.model_version for answer in answers} == set(versions)
    assert all(answer.personalised and answer.items for answer in answers)


def version_of(client: Client, run: Run) -> str:
    """Wait for the version that a run makes."""
    ended = followed(client, run.id)
    assert ended.state == "succeeded", ended
    return str(ended.version)


def followed(client: Client, run_id: int) -> Run:
    """Follow a run to its end."""
    *_, ended = client.run_events(run_id)
    assert isinstance(ended, Run)
    return ended


def watch(base_url: str, stop: Event) -> list[Recommendations]:
    """Ask again and again; any failure is raised."""
    seen: list[Recommendations] = []
    with Client(base_url, retry=NO_RETRY, timeout_s=10) as client:
        while not stop.is_set():
            seen.append(client.recommend(f"user {len(seen) % NUM_USERS}", limit=3))
    return seen
