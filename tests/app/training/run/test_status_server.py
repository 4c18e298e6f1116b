"""The trainer's health and figures, asked over HTTP while it works, stands still, and waits for its database."""

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from http.client import HTTPConnection
from pathlib import Path
from time import monotonic

import pytest
from prometheus_client.parser import text_string_to_metric_families

from app.settings import Settings
from app.training.run import pulse as module
from app.training.run.pulse import Pulse
from app.training.run.status_server import PortUnusable, serve_status
from tests.processes import palate, wait_until


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(_env_file=None, model_store=tmp_path / "models", train_timeout=timedelta(seconds=100))


def ask(port: int, path: str) -> tuple[int, str]:
    connection = HTTPConnection("127.0.0.1", port, timeout=5)
    connection.request("GET", path)
    answer = connection.getresponse()
    return answer.status, answer.read().decode()


@contextmanager
def served(pulse: Pulse) -> Iterator[int]:
    with serve_status(pulse, "127.0.0.1", 0) as port:
        assert port is not None
        yield port


def let_pass(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    """Have the pulse's clock go on."""
    now = monotonic() + seconds
    monkeypatch.setattr(module, "monotonic", lambda: now)


def test_a_trainer_that_does_not_look_for_work_is_not_alive(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    pulse = Pulse(settings)
    with served(pulse) as port:
        assert ask(port, "/health/live") == (200, '{"status": "ok", "problem": null}')
        let_pass(monkeypatch, 90)
        status, body = ask(port, "/health/live")
        assert (status, json.loads(body)["problem"]) == (503, "the trainer has not looked for work for 90 seconds")
        pulse.end_turn()
        assert ask(port, "/health/live")[0] == 200


def test_a_run_may_take_as_long_as_it_is_allowed_to_and_no_longer(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    pulse = Pulse(settings)
    pulse.begin_run(7)
    with served(pulse) as port:
        let_pass(monkeypatch, 150)
        assert ask(port, "/health/live")[0] == 200
        let_pass(monkeypatch, 170)
        status, body = ask(port, "/health/live")
        assert status == 503
        assert json.loads(body)["problem"].startswith("run 7 has not ended 170 seconds after its start")


def test_a_trainer_without_its_database_lives_and_is_not_ready(settings: Settings) -> None:
    pulse = Pulse(settings)
    pulse.database_problem = "The database does not answer."
    with served(pulse) as port:
        assert ask(port, "/health/live")[0] == 200
        assert ask(port, "/health/ready") == (
            503,
            '{"status": "unavailable", "problem": "The database does not answer."}',
        )
        assert ask(port, "/elsewhere")[0] == 404


def test_its_figures_can_be_read_by_prometheus(settings: Settings) -> None:
    pulse = Pulse(settings)
    pulse.end_turn()
    pulse.begin_run(7)
    with served(pulse) as port:
        status, text = ask(port, "/metrics")
    assert status == 200
    samples = {sample.name: sample for family in text_string_to_metric_families(text) for sample in family.samples}
    assert samples["palate_worker_turns_total"].value == 1
    assert samples["palate_worker_run_seconds"].labels == {"run": "7"}
    assert samples["palate_worker_stuck"].value == 0
    assert samples["palate_model_store_free_bytes"].value > 0


def test_a_port_that_is_taken_is_named(settings: Settings) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with (
            pytest.raises(PortUnusable, match=r"PALATE_WORKER_PORT: 127\.0\.0\.1:.* cannot be listened on"),
            serve_status(Pulse(settings), "127.0.0.1", taken.getsockname()[1]),
        ):
            pass


def test_a_worker_answers_at_its_port(settings: Settings, tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    own = settings.model_copy(update={"database_url": f"sqlite:///{tmp_path}/palate.db"})
    with palate("worker", own, tmp_path / "log", PALATE_WORKER_PORT=str(port)):
        wait_until(lambda: "status_served" in (tmp_path / "log").read_text(), "the worker listens")
        assert ask(port, "/health/live")[0] == 200


def test_a_trainer_without_room_for_a_model_lives_and_is_not_ready(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    with served(Pulse(settings)) as port:
        assert ask(port, "/health/ready")[0] == 200
        monkeypatch.setattr(module, "MIN_FREE_BYTES", 10**18)
        status, body = ask(port, "/health/ready")
        assert status == 503
        assert "left on the disk of the models" in json.loads(body)["problem"]
        assert ask(port, "/health/live")[0] == 200
