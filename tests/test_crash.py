"""The server process dies in a burst: what was answered is there. The database goes away: the server waits for it."""

import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event

import httpx2
import pytest

from app.settings import Settings
from palate_client import Client, Unreachable
from tests.impatient import NO_RETRY
from tests.processes import answers, palate, server, wait_for_port, wait_until
from tests.relay import relay

POSTERS = 8
ACKNOWLEDGED_BEFORE_THE_KILL = 200


def post_until_it_dies(base_url: str, poster: int, acknowledged: list[tuple[str, str, float]], enough: Event) -> None:
    """POST one rating after the other; note each that was answered."""
    with Client(base_url, retry=NO_RETRY, timeout_s=10) as client:
        for n in range(100_000):
            rating = (f"poster {poster}", f"item {n}", 1 + n % 9 / 2)
            try:
                client.rate(*rating)
            except Unreachable:
                return
            acknowledged.append(rating)
            if len(acknowledged) >= ACKNOWLEDGED_BEFORE_THE_KILL:
                enough.set()


def kill_during_a_burst(settings: Settings, log: Path) -> list[tuple[str, str, float]]:
    """Start a server, let many POST at once, and kill it while they do."""
    acknowledged: list[tuple[str, str, float]] = []
    enough = Event()
    with palate("serve", settings, log) as process, ThreadPoolExecutor(POSTERS) as posters:
        base_url = f"http://127.0.0.1:{wait_for_port(process, log)}"
        with httpx2.Client(base_url=base_url, timeout=30) as client:
            wait_until(lambda: answers(client), "the server answers")
        posting = [posters.submit(post_until_it_dies, base_url, n, acknowledged, enough) for n in range(POSTERS)]
        assert enough.wait(120)
        process.send_signal(signal.SIGKILL)
        for future in posting:
            future.result()
    return acknowledged


def test_every_acknowledged_rating_survives_a_killed_server(settings: Settings, tmp_path: Path) -> None:
    acknowledged = kill_during_a_burst(settings, tmp_path / "killed.log")
    assert len(acknowledged) >= ACKNOWLEDGED_BEFORE_THE_KILL
    with server(settings, tmp_path / "again.log") as http, Client(str(http.base_url)) as client:
        stored = {(row.user_id, row.item_id, row.value) for row in client.export_ratings()}
    assert set(acknowledged) <= stored
    assert len(stored) <= len(acknowledged) + POSTERS  # one each may have been stored and not answered


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_server_whose_database_goes_away_says_so_and_recovers_by_itself(settings: Settings, tmp_path: Path) -> None:
    with relay(settings.database_url) as link:
        relayed = settings.model_copy(update={"database_url": link.url})
        with server(relayed, tmp_path / "server.log") as client:
            rating = {"user_id": "ada", "item_id": "alien", "value": 5}
            assert client.post("/v1/ratings", json=rating).status_code == 200
            link.cut()
            for response in (
                client.post("/v1/ratings", json=rating | {"value": 1}),
                client.get("/v1/users/ada/recommendations"),
                client.get("/v1/users/ada/ratings"),
            ):
                assert response.status_code == 503, response.text
                assert response.headers["content-type"] == "application/problem+json"
            assert client.get("/health/ready").status_code == 503
            assert client.get("/health/live").status_code == 200
            link.mend()
            wait_until(lambda: client.get("/health/ready").status_code == 200, "it is ready again")
            assert client.get("/v1/users/ada/ratings").json()["ratings"][0]["value"] == 5
            assert client.post("/v1/ratings", json=rating | {"value": 1}).status_code == 200
