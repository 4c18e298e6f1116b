"""By which names, and from whose pages, a server without a key may be called."""

from collections.abc import Callable

import pytest
from fastapi.testclient import TestClient

Open = Callable[..., TestClient]
RATING = {"user_id": "ada", "item_id": "alien", "value": 4}


@pytest.mark.parametrize(
    "host", ["localhost", "localhost:8505", "127.0.0.1", "127.8.9.1:80", "[::1]:8000", "LOCALHOST"]
)
def test_own_names_are_taken(plain: TestClient, host: str) -> None:
    assert plain.get("/v1/items", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "host", ["evil.example:8505", "localhost.evil.example", "10.0.0.1", "[::2]:80", "", "localhost@e"]
)
@pytest.mark.parametrize("path", ["/", "/docs", "/v1/items", "/v1/exports/ratings"])
def test_another_name_is_refused_and_the_setting_named(plain: TestClient, host: str, path: str) -> None:
    answer = plain.get(path, headers={"Host": host, "Sec-Fetch-Site": "same-origin"})
    assert answer.status_code == 421
    assert "PALATE_ALLOWED_HOSTS" in answer.json()["detail"]


def test_a_name_in_the_settings_is_taken(open_app: Open) -> None:
    client = open_app(allowed_hosts=["palate.example.org"])
    assert client.get("/v1/items", headers={"Host": "Palate.example.org:443"}).status_code == 200


def test_health_is_told_to_whoever_asks(plain: TestClient) -> None:
    assert plain.get("/health/live", headers={"Host": "evil.example"}).status_code == 200


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://evil.example", "Sec-Fetch-Site": "same-site"}, 403),
        ({"Origin": "http://localhost:3000"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Origin": "http://localhost"}, 200),
        ({"Origin": "https://palate.example.org", "Sec-Fetch-Site": "same-origin"}, 200),
        ({"Origin": "https://shop.example.org"}, 200),
        ({}, 200),
    ],
)
def test_pages_of_other_origins_neither_change_nor_export(open_app: Open, headers: dict[str, str], status: int) -> None:
    client = open_app(cors_origins=["https://shop.example.org"])
    assert client.post("/v1/ratings", json=RATING, headers=headers).status_code == status
    assert client.get("/v1/exports/ratings", headers=headers).status_code == status
    assert client.get("/v1/items", headers=headers).status_code == 200
