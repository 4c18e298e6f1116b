"""Erasing on the command line."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient
from typer.testing import CliRunner

from app.cli import app as palate
from app.kit.errors import ErasureNotFound, UserNotFound
from app.settings import Settings
from tests.app.erasure.conftest import ADA, ADA_URL, rate

Palate = Callable[..., Any]


@pytest.fixture
def command(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Palate:
    """Run `palate ...` on the database of the test."""
    monkeypatch.setenv("PALATE_DATABASE_URL", settings.database_url)
    monkeypatch.setenv("PALATE_MODEL_STORE", str(settings.model_store))
    return lambda *words, typed="": CliRunner().invoke(palate, list(words), input=typed)


def test_erase_asks_first_and_shows_the_receipt_of_the_api(client: TestClient, command: Palate) -> None:
    rate(client)
    assert command("erase", ADA, typed="n\n").exit_code == 1
    assert client.get(ADA_URL).is_success

    erased = command("erase", ADA, "--yes")

    assert erased.exit_code == 0
    receipt = json.loads(erased.output)
    assert "a new user" in receipt.pop("later")
    assert client.get(ADA_URL).status_code == 404
    followed = command("erasures", receipt["erasure_id"])
    assert json.loads(followed.output) == receipt
    assert client.get(f"/v1/erasures/{receipt['erasure_id']}").json() == receipt


def test_an_unknown_user_or_receipt_is_an_error(client: TestClient, command: Palate) -> None:
    assert isinstance(command("erase", "unknown", "--yes").exception, UserNotFound)
    assert isinstance(command("erasures", "0").exception, ErasureNotFound)
