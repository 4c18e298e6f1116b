"""Which call needs which scope, over all routes that there are."""

from collections.abc import Iterator

import pytest
from fastapi.routing import iter_route_contexts

from app.keys.scopes import OPEN_PATHS, hash_key, is_loopback, new_key, required_scope
from app.main import create_app
from app.settings import Settings

WRITES = {
    "POST /v1/ratings",
    "PUT /v1/users/{user_id}/ratings/{item_id}",
    "DELETE /v1/users/{user_id}/ratings/{item_id}",
    "POST /v1/events",
    "POST /v1/items",
    "POST /v1/imports",
    "POST /v1/users/{user_id}/merge",
    "DELETE /v1/users/{user_id}",
    "PUT /v1/rules",
    "DELETE /v1/rules",
    "PUT /v1/items/{item_id}",
    "PATCH /v1/items/{item_id}",
    "DELETE /v1/items/{item_id}",
}
ADMIN = {
    "POST /v1/training-runs",
    "DELETE /v1/training-runs/{run_id}",
    "POST /v1/models/{version}/activate",
    "POST /v1/experiments",
    "POST /v1/experiments/{number}/stop",
}
READING_POSTS = {
    "POST /v1/recommendations",
    "POST /v1/recommendations/batch",
    "POST /v1/predictions",
    "POST /v1/questions",
    "POST /v1/replays",
    "POST /v1/users/{user_id}/what-if",
}


def routes() -> Iterator[tuple[str, str]]:
    """Return method and path of every route of the app."""
    app = create_app(Settings(_env_file=None))
    for route in iter_route_contexts(app.routes):
        for method in route.methods or set():
            yield method, str(route.path)


def with_scope(scope: str | None) -> set[str]:
    return {f"{method} {path}" for method, path in routes() if required_scope(method, path) == scope}


def test_every_route_that_changes_data_needs_write_or_admin() -> None:
    assert with_scope("write") == WRITES
    assert with_scope("admin") == ADMIN


def test_everything_at_once_needs_more_than_reading_does() -> None:
    assert with_scope("export") == {"GET /v1/exports/{kind}"}
    assert required_scope("HEAD", "/v1/exports/ratings") == "export"


def test_every_other_route_needs_read_or_is_one_of_the_open_ones() -> None:
    changing = {route for route in with_scope("read") if not route.startswith(("GET ", "HEAD "))}
    assert changing == READING_POSTS
    assert {route.split()[1] for route in with_scope(None)} <= {*OPEN_PATHS, "/console/{name}", "/docs/{name}"}
    assert with_scope("metrics") == {"GET /metrics"}


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/v1/recommendations2"),
        ("POST", "/v1/items/what-if"),
        ("POST", "/v1/users/what-if/merge"),
        ("DELETE", "/v1/recommendations"),
        ("POST", "/v1/something-new"),
        ("BREW", "/v1/items"),
        ("POST", "/"),
    ],
)
def test_what_is_not_listed_is_not_readable(method: str, path: str) -> None:
    assert required_scope(method, path) == (None if path == "/" else "write")


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "localhost"])
def test_loopback_is_recognised(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.1.2.3", "example.org", ""])
def test_anything_else_counts_as_reachable(host: str) -> None:
    assert not is_loopback(host)


def test_keys_are_long_and_never_the_same() -> None:
    keys = {new_key() for _ in range(100)}
    assert len(keys) == 100
    assert min(map(len, keys)) > 40
    assert all(hash_key(key.encode()) != key for key in keys)
