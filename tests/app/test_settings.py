"""Settings as environments bring them."""

import json
from pathlib import Path

import pytest
from pydantic import ValidationError

from app.kit.exits import one_line_errors
from app.settings import Settings
from tests.processes import palate, wait_until

SERVICE = {"PALATE_PORT": "tcp://10.0.0.1:9000", "PALATE_SERVICE_HOST": "10.0.0.1", "PALATE_PORT_9000_TCP_PROTO": "tcp"}


def test_variables_of_a_kubernetes_service_are_no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in SERVICE.items():
        monkeypatch.setenv(name, value)
    assert Settings(_env_file=None).port == 8000
    monkeypatch.setenv("PALATE_PORT", "9000")
    assert Settings(_env_file=None).port == 9000
    monkeypatch.setenv("PALATE_WORKER_PORT", "tcp://10.0.0.1:9001")  # of a service `palate-worker`
    assert Settings(_env_file=None).worker_port is None


def test_what_is_neither_a_port_nor_an_address_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PALATE_PORT", "http://10.0.0.1:9000")
    with pytest.raises(ValueError, match="port"):
        Settings(_env_file=None)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("0.5", 0.5), (".5", 0.5), ("500ms", 0.5), ("30 s", 30), ("1.5m", 90), ("PT1M", 60), ("00:01:00", 60)],
)
def test_a_duration_is_read_as_people_write_it(monkeypatch: pytest.MonkeyPatch, text: str, seconds: float) -> None:
    monkeypatch.setenv("PALATE_TRAIN_TIMEOUT", text)
    assert Settings(_env_file=None).train_timeout.total_seconds() == seconds


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("TRAIN_TIMEOUT", "5 minutes", "must be seconds, or like 500ms, 30s, 5m, 6h or 7d"),
        ("TRAIN_TIMEOUT", "1_0", "must be seconds, or like"),
        ("ALLOWED_HOSTS", "http://shop.example", "without http:// and path"),
        ("ALLOWED_HOSTS", "shop.example:8000", "must be a name like"),
        ("ALLOWED_HOSTS", '["shop.example"]', "must be a name like"),
        ("ALLOWED_HOSTS", ".shop.example", "must be a name like"),
        ("HOST", '"127.0.0.1"', "must be an address like"),
        ("HOST", "127.0.0.1:8000", "must be an address like"),
        ("HOST", "[::1]", "must be an address like"),
        ("RATING_MAX", "inf", "finite"),
        ("POLL_INTERVAL", "0", "greater than 0"),
        ("TRAIN_INTERVAL", "0", "greater than 0"),
        ("DATABASE_URL", "sqlite:///~/palate.db", "without a shell"),
    ],
)
def test_a_value_that_cannot_be_is_named(monkeypatch: pytest.MonkeyPatch, name: str, value: str, said: str) -> None:
    monkeypatch.setenv(f"PALATE_{name}", value)
    with pytest.raises(ValidationError, match=said):
        Settings(_env_file=None)


def test_words_are_taken_in_any_case(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("LOG_LEVEL", "INFO"), ("LOG_FORMAT", "JSON"), ("DEVICE", "CPU"), ("MODEL_KIND", "Linear")):
        monkeypatch.setenv(f"PALATE_{name}", value)
    settings = Settings(_env_file=None)
    found = settings.log_level, settings.log_format, settings.device, settings.model_kind
    assert found == ("info", "json", "cpu", "linear")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"PALATE_PORT=1\nPALATE_DATABASE_URL: sqlite:///a.db\n", "line 2 (PALATE_DATABASE_URL ...) cannot be read"),
        (b'PALATE_PORT="8000\n', "line 1 (PALATE_PORT ...) cannot be read"),
        ("PALATE_PORT=8000\n".encode("utf-16"), "UTF-8"),
    ],
)
def test_a_file_env_that_cannot_be_read_is_not_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], content: bytes, said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_bytes(content)
    with pytest.raises(SystemExit) as ended, one_line_errors():
        Settings(_env_file=".env")
    assert (ended.value.code, said in capsys.readouterr().err) == (2, True)


def test_a_file_env_may_hold_comments_and_other_programs_variables(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_text("# ours\nexport PALATE_PORT=8123\n\nOTHER='a b'\n")
    assert Settings(_env_file=".env").port == 8123


def test_the_log_says_once_that_such_an_address_is_ignored(tmp_path: Path) -> None:
    settings = Settings(_env_file=None, database_url=f"sqlite:///{tmp_path}/palate.db", model_store=tmp_path)
    log = tmp_path / "log"
    with palate("worker", settings, log, fresh=False, **SERVICE):
        wait_until(lambda: "worker_started" in log.read_text(), "the worker has begun")
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert [line["ignored"] for line in lines if "ignored" in line] == ["tcp://10.0.0.1:9000"]


def test_a_setting_is_read_from_the_file_that_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "secret"
    file.write_text("a secret of many characters\r\n")
    monkeypatch.setenv("PALATE_KEEP_OUT_FILE", str(file))
    assert Settings(_env_file=None).keep_out == "a secret of many characters"


@pytest.mark.parametrize(
    ("environment", "problem"),
    [
        ({"PALATE_KEEP_OUT_FILE": "/nowhere"}, "PALATE_KEEP_OUT_FILE: cannot read /nowhere: no such file or directory"),
        ({"PALATE_KEEP_OUT_FILE": "/"}, "PALATE_KEEP_OUT_FILE: cannot read /: is a directory"),
        ({"PALATE_KEEP_OUT_FILE": "/dev/null"}, "PALATE_KEEP_OUT_FILE: /dev/null is empty"),
        (
            {"PALATE_KEEP_OUT_FILE": "/dev/zero"},
            "PALATE_KEEP_OUT_FILE: /dev/zero holds more than 65,536 characters: is it the right file?",
        ),
        (
            {"PALATE_KEEP_OUT_FILE": "/nowhere", "PALATE_KEEP_OUT": "x" * 16},
            "PALATE_KEEP_OUT_FILE: PALATE_KEEP_OUT is set, too: leave out one of them",
        ),
    ],
)
def test_a_file_that_cannot_be_is_named(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    environment: dict[str, str],
    problem: str,
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit), one_line_errors():
        Settings(_env_file=None)
    assert capsys.readouterr().err == f"palate: {problem}\n"


def test_a_password_of_its_own_is_none_of_sqlites(tmp_path: Path) -> None:
    settings = Settings(_env_file=None, database_url=f"sqlite:///{tmp_path}/x.db", database_password="p")
    assert settings.database_url == f"sqlite:///{tmp_path}/x.db"
