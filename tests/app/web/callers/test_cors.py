"""Calls from pages of other sites: refused by the browser unless the settings name them."""

from collections.abc import Callable

import pytest
from fastapi.testclient import TestClient

from app.settings import Settings

SHOP, OTHER = "https://shop.example.org", "https://other.example.org"
RATING = {"user_id": "ada", "item_id": "alien", "value": 5}


def preflight(client: TestClient, origin: str) -> dict[str, str]:
    asked = {"Origin": origin, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "x-api-key"}
    return dict(client.options("/v1/ratings", headers=asked).headers)


@pytest.fixture
def shop(open_app: Callable[..., TestClient]) -> TestClient:
    """A client of an app that the shop's pages may call."""
    return open_app(cors_origins=f"{SHOP}, http://localhost:3000/")


def test_nothing_is_allowed_unless_it_is_set(plain: TestClient) -> None:
    assert not [name for name in preflight(plain, SHOP) if name.startswith("access-control")]
    assert "access-control-allow-origin" not in plain.get("/v1/items", headers={"Origin": SHOP}).headers


def test_a_named_site_may_ask_first(shop: TestClient) -> None:
    allowed = preflight(shop, SHOP)
    assert allowed["access-control-allow-origin"] == SHOP
    assert {"X-API-Key", "Content-Type"} <= set(allowed["access-control-allow-headers"].split(", "))
    assert {"POST", "PUT", "PATCH", "DELETE"} <= set(allowed["access-control-allow-methods"].split(", "))
    assert "access-control-allow-origin" not in preflight(shop, OTHER)


@pytest.mark.parametrize("path", ["/v1/items", "/v1/items/nothing", "/nowhere", "/v1/recommendations"])
def test_answers_and_refusals_can_be_read_by_a_named_site_only(shop: TestClient, path: str) -> None:
    answer = shop.get(path, headers={"Origin": SHOP})
    assert answer.headers["access-control-allow-origin"] == SHOP
    assert answer.headers["access-control-allow-credentials"] == "true"
    assert {"X-Request-Id", "Retry-After"} <= set(answer.headers["access-control-expose-headers"].split(", "))
    assert "access-control-allow-origin" not in shop.get(path, headers={"Origin": OTHER}).headers


def test_a_wrong_key_is_a_refusal_that_can_be_read(shop: TestClient) -> None:
    answer = shop.get("/v1/items", headers={"Origin": SHOP, "X-API-Key": "palate_unknown"})
    assert answer.headers["access-control-allow-origin"] == SHOP


def test_a_page_of_a_named_site_may_change_things_without_a_key_where_there_is_none(shop: TestClient) -> None:
    sent = {"Sec-Fetch-Site": "cross-site"}
    assert shop.post("/v1/ratings", json=RATING, headers=sent | {"Origin": SHOP}).status_code == 200
    assert shop.post("/v1/ratings", json=RATING, headers=sent | {"Origin": OTHER}).status_code == 403
    assert shop.post("/v1/ratings", json=RATING, headers=sent).status_code == 403


def test_every_site_may_read_but_change_nothing_without_a_key(open_app: Callable[..., TestClient]) -> None:
    anyone = open_app(cors_origins="*")
    answer = anyone.get("/v1/items", headers={"Origin": OTHER})
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "access-control-allow-credentials" not in answer.headers
    sent = {"Sec-Fetch-Site": "cross-site", "Origin": OTHER}
    assert anyone.post("/v1/ratings", json=RATING, headers=sent).status_code == 403


@pytest.mark.parametrize(
    "origin", ["shop.example.org", "https://shop.example.org/shop", "null", "ftp://h", "https://*.h.org"]
)
def test_what_is_no_origin_is_refused(origin: str) -> None:
    with pytest.raises(ValueError, match=r"must be like https://shop\.example\.org, without a path"):
        Settings(_env_file=None, cors_origins=origin)


def test_origins_are_separated_by_commas_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PALATE_CORS_ORIGINS", f"{SHOP},https://Two.example.org:8443")
    assert Settings(_env_file=None).cors_origins == [SHOP, "https://two.example.org:8443"]
