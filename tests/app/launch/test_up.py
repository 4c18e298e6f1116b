"""`palate up`, for real: from nothing to answers, again without loss, and a clean end."""

import os
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import psutil
import pytest

from app.settings import Settings
from tests.processes import EXECUTABLE, environment, wait_until


@pytest.fixture
def fresh(tmp_path: Path) -> Settings:
    """Settings of an instance of which nothing exists yet."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    url = f"sqlite:///{tmp_path}/new/palate.db"
    return Settings(_env_file=None, database_url=url, model_store=tmp_path / "models", port=port)


@contextmanager
def up(settings: Settings, log: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """Run `palate up` until it says that it runs."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*EXECUTABLE, "up"],
            env=environment(settings) | {"PALATE_PORT": str(settings.port)},
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
        try:
            wait_until(lambda: "Palate runs at" in log.read_text() or process.poll() is not None, "it is up", 240)
            assert process.poll() is None, log.read_text()
            yield process
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(40)


def children(process: "subprocess.Popen[bytes]") -> list[int]:
    """Return the process numbers of the processes that it started."""
    return [child.pid for child in psutil.Process(process.pid).children()]


def test_up_starts_everything_again_without_loss_and_ends_cleanly(fresh: Settings, tmp_path: Path) -> None:
    url = f"http://127.0.0.1:{fresh.port}"
    with up(fresh, tmp_path / "first.log") as process:
        told = (tmp_path / "first.log").read_text()
        assert "synthetic" in told
        assert "curl '" in told
        assert '"personalised": true' in told
        assert '"event"' not in told
        assert "\x1b" not in told
        details = tmp_path / "log" / f"palate-{fresh.port}.log"
        assert str(details) in told
        assert '"listening"' in details.read_text()
        assert httpx2.post(f"{url}/v1/ratings", json={"user_id": "ada", "item_id": "alien-1979", "value": 5}).is_success
        model = httpx2.get(f"{url}/health/ready").json()["model_version"]
        processes = children(process)
        assert len(processes) == 2
    assert process.returncode == 0
    assert "Traceback" not in (tmp_path / "first.log").read_text()
    for number in processes:
        with pytest.raises(ProcessLookupError):
            os.kill(number, 0)

    with up(fresh, tmp_path / "second.log") as process:
        (rating,) = httpx2.get(f"{url}/v1/users/ada/ratings").json()["ratings"]
        assert rating["value"] == 5
        versions = httpx2.get(f"{url}/v1/models").json()["versions"]
        assert model in [version["version"] for version in versions]
        runs = httpx2.get(f"{url}/v1/training-runs").json()["runs"]
        assert [run["kind"] for run in runs if run["state"] != "succeeded"] in (["auto"], ["hybrid"], [])
        os.kill(children(process)[0], signal.SIGKILL)
        assert process.wait(40) == 1
    told = (tmp_path / "second.log").read_text()
    assert "ended by itself" in told
    assert '"event"' in told.partition("ended by itself")[2]  # its last lines


def test_up_reports_a_taken_port_before_it_does_anything(fresh: Settings, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        ended = subprocess.run(
            [*EXECUTABLE, "up"],
            env=environment(fresh) | {"PALATE_PORT": str(taken.getsockname()[1])},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert ended.returncode == 1
    assert "PALATE_PORT" in ended.stdout
    assert not (tmp_path / "new").exists()
