"""A path prefix of a proxy, which it cuts off or not."""

import re
from collections.abc import Callable

import pytest
from fastapi.testclient import TestClient

from app.settings import Settings

FORWARDED = {"X-Forwarded-Prefix": "/shop/palate"}


def prefixes(client: TestClient, headers: dict[str, str] | None = None) -> set[str | None]:
    """Return what the page, the documentation and OpenAPI say that Palate is below."""
    page = re.search(r'href="([^"]*)console/base.css"', client.get("/", headers=headers).text)
    docs = re.search(r'data-url="([^"]*)openapi.json"', client.get("/docs", headers=headers).text)
    servers = client.get("/openapi.json", headers=headers).json().get("servers", [{"url": ""}])
    assert page
    assert docs
    return {page[1].rstrip("/"), docs[1].rstrip("/"), servers[0]["url"]}


def test_without_a_prefix_links_begin_where_the_page_is(plain: TestClient) -> None:
    assert prefixes(plain) == {""}


def test_a_prefix_that_is_set_is_used_whether_the_proxy_cuts_it_or_not(open_app: Callable[..., TestClient]) -> None:
    client = open_app(root_path="/palate/")
    assert prefixes(client) == {"/palate"}
    for path in ("/v1/items", "/palate/v1/items"):
        assert client.get(path).status_code == 200
    assert client.get("/palate").text == client.get("/palate/").text == client.get("/").text
    assert client.get("/palatev1/items").status_code == 404
    client.put("/palate/v1/items/a%2Fb", json={"title": "A slash"})
    assert client.get("/v1/items/a%2Fb").json()["title"] == "A slash"


def test_a_proxy_may_name_the_prefix(plain: TestClient) -> None:
    assert prefixes(plain, FORWARDED) == {"/shop/palate"}
    assert plain.get("/shop/palate/v1/items", headers=FORWARDED).status_code == 200
    assert prefixes(plain, {"X-Forwarded-Prefix": "/outer, /inner"}) == {"/outer/inner"}
    assert prefixes(plain) == {""}


@pytest.mark.parametrize("said", ["//evil.example", "/a b", "palate", '/"><script>', "/v1", "/../x?y", ""])
def test_what_is_no_prefix_is_passed_over(plain: TestClient, said: str) -> None:
    assert prefixes(plain, {"X-Forwarded-Prefix": said}) == {""}


def test_only_a_trusted_proxy_is_believed(open_app: Callable[..., TestClient]) -> None:
    assert prefixes(open_app("192.0.2.7"), FORWARDED) == {""}
    for trusted in ("10.0.0.1, 192.0.2.0/24", "*"):
        assert prefixes(open_app("192.0.2.7", trusted_proxies=trusted), FORWARDED) == {"/shop/palate"}


@pytest.mark.parametrize("proxy", ["nginx", "10.0.0.0/99", "10.0.0.1:80"])
def test_a_proxy_that_is_no_address_is_refused(proxy: str) -> None:
    with pytest.raises(ValueError, match="must be an address, a network"):
        Settings(_env_file=None, trusted_proxies=proxy)


def test_a_prefix_does_not_change_which_key_is_needed(open_app: Callable[..., TestClient]) -> None:
    client = open_app(root_path="/palate", host="0.0.0.0")
    for path in ("/v1/exports/ratings", "/palate/v1/exports/ratings"):
        assert client.get(path).status_code == 401
    for path in ("/health/live", "/palate/health/live"):
        assert client.get(path).status_code == 200


@pytest.mark.parametrize("prefix", ["palate", "/pal ate", "/v1/palate", "/docs", "https://host/palate"])
def test_a_prefix_that_cannot_be_is_refused(prefix: str) -> None:
    with pytest.raises(ValueError, match="root_path"):
        Settings(_env_file=None, root_path=prefix)
