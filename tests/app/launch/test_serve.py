"""The real server process: what it refuses, what it logs, how it stops."""

import gc
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event

import httpx2
import pytest

from app.launch.serve import freeze_startup_objects
from app.settings import Settings
from palate_client import Client, NotFound, Unavailable
from palate_client.inputs import RatingIn
from tests.processes import EXECUTABLE, environment, palate, run, server, wait_for_port, wait_until

EVERYWHERE = "0.0.0.0"


@pytest.fixture
def taken_port() -> Iterator[str]:
    """A port that another process listens on."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        yield str(taken.getsockname()[1])


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_server_beyond_loopback_without_a_key_refuses_to_start(settings: Settings) -> None:
    ended = run(settings, "serve", PALATE_HOST=EVERYWHERE)
    assert ended.returncode == 2
    assert "palate keys create" in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_taken_port_is_reported_in_one_sentence(settings: Settings, taken_port: str) -> None:
    ended = run(settings, "serve", PALATE_PORT=taken_port)
    assert ended.returncode == 1
    assert f"127.0.0.1:{taken_port}" in ended.stderr
    assert "PALATE_PORT" in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_wrong_setting_is_named(settings: Settings) -> None:
    ended = run(settings, "serve", PALATE_PORT="high", PALATE_RATING_STEP="0.3")
    assert ended.returncode == 2
    assert "PALATE_PORT" in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_keys_are_made_listed_revoked_and_never_logged(settings: Settings, tmp_path: Path) -> None:
    made = run(settings, "keys", "create", "--name", "shop", "--scope", "read", "--scope", "write")
    assert made.returncode == 0, made.stderr
    secret = made.stdout.strip()
    assert secret.startswith("palate_")
    log = tmp_path / "server.log"
    with server(settings, log, PALATE_HOST=EVERYWHERE, PALATE_LOG_LEVEL="debug") as client:
        key = {"X-API-Key": secret}
        assert client.get("/v1/items/nothing", headers=key).status_code == 404
        assert client.get("/v1/items/nothing", params={"key": secret}).status_code == 401
        assert client.get("/v1/items/" + secret, headers={"X-API-Key": secret + "x"}).status_code == 401
        assert client.post("/v1/ratings", content=secret, headers=key).status_code == 422
    assert '"event":"request"' in log.read_text()
    assert secret not in log.read_text()
    listed = run(settings, "keys", "list")
    assert "shop" in listed.stdout
    assert secret not in listed.stdout
    assert run(settings, "keys", "revoke", "1").returncode == 0
    assert run(settings, "keys", "revoke", "1").returncode == 1


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_sigterm_ends_the_server_cleanly(settings: Settings, tmp_path: Path) -> None:
    log = tmp_path / "server.log"
    with log.open("wb") as output:
        process = subprocess.Popen([*EXECUTABLE, "serve"], env=environment(settings), stderr=output)
        while b"startup complete" not in log.read_bytes():
            assert process.poll() is None, log.read_text()
            time.sleep(0.02)
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
    assert "Traceback" not in log.read_text()


def test_the_garbage_collector_skips_the_objects_of_the_start() -> None:
    freeze_startup_objects()
    try:
        assert gc.get_freeze_count() > 100_000
    finally:
        gc.unfreeze()


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_an_import_interrupted_by_a_stop_says_so_and_can_be_resumed(settings: Settings, tmp_path: Path) -> None:
    def trickle() -> Iterator[RatingIn]:
        for n in range(400_000):
            if n % 1_000 == 0:
                time.sleep(0.05)
            yield {"user_id": f"u{n // 100}", "item_id": f"i{n % 100}", "value": 3}

    with palate("serve", settings, tmp_path / "log") as process:
        url = f"http://127.0.0.1:{wait_for_port(process, tmp_path / 'log')}"
        with Client(url, timeout_s=60) as client, ThreadPoolExecutor(1) as pool:
            importing = pool.submit(client.import_ratings, trickle())
            wait_until(lambda: is_known(client, "u0"), "the first rows are stored")
            process.send_signal(signal.SIGTERM)
            with pytest.raises(Unavailable, match="server-stopping") as raised:
                importing.result(60)
        assert raised.value.retry_after_s == 1
        assert process.wait(30) == 0
    assert "unexpected error" not in (tmp_path / "log").read_text()


def event_names(client: httpx2.Client, run_id: int, opened: Event) -> list[str]:
    """Follow a run until the server ends the stream."""
    with client.stream("GET", f"/v1/training-runs/{run_id}/events") as stream:
        opened.set()
        return [line for line in stream.iter_lines() if line.startswith("event:")]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_stopping_server_is_unready_before_it_stops_and_goes_on_answering(settings: Settings, tmp_path: Path) -> None:
    log, opened = tmp_path / "log", Event()
    with palate("serve", settings, log, PALATE_SHUTDOWN_DELAY="1.5") as process, ThreadPoolExecutor(1) as pool:
        with httpx2.Client(base_url=f"http://127.0.0.1:{wait_for_port(process, log)}") as client:
            run_id = client.post("/v1/training-runs", json={"kind": "linear"}).json()["id"]
            following = pool.submit(event_names, client, run_id, opened)
            assert opened.wait(10)
            process.send_signal(signal.SIGTERM)
            stopped_at = time.monotonic()
            wait_until(lambda: client.get("/health/ready").status_code == 503, "the server says so")
            assert client.get("/health/ready").json()["problem"] == "the server is stopping: call another"
            rating = {"user_id": "ada", "item_id": "alien", "value": 4}
            assert client.post("/v1/ratings", json=rating).status_code == 200
            assert client.get("/v1/users/ada/ratings").json()["ratings"][0]["value"] == 4
            assert time.monotonic() - stopped_at < 1.5
            assert following.result(10) == ["event: state"]  # no error: the stream ended in order
        assert process.wait(8) == 0


def is_known(client: Client, user_id: str) -> bool:
    try:
        return client.user(user_id).num_ratings > 0
    except NotFound:
        return False
