"""The client has every route, every parameter and every type of the API: a new route fails here until it has."""

import inspect
from typing import Any, get_args

import pytest

from app.main import create_app
from app.settings import Settings
from palate_client import routes
from palate_client.call import Route
from scripts.client.files import stale_files

ROUTES: dict[str, Route[Any, Any]] = {name: what for name, what in vars(routes).items() if isinstance(what, Route)}
NOT_THERE = {("GET", "/metrics")}  # Prometheus reads it
HEADERS = {"last-event-id", "Idempotency-Key"}  # sent by the client itself, where they are needed
DOCUMENT: dict[str, Any] = create_app(Settings(_env_file=None)).openapi()


def test_every_route_of_the_api_has_a_method() -> None:
    there = {(method.upper(), path) for path, operations in DOCUMENT["paths"].items() for method in operations}
    assert {(route.method, route.path) for route in ROUTES.values()} == there - NOT_THERE


@pytest.mark.parametrize("name", ROUTES)
def test_a_method_takes_every_parameter_of_its_route(name: str) -> None:
    route = ROUTES[name]
    operation = DOCUMENT["paths"][route.path][route.method.lower()]
    declared = {parameter["name"] for parameter in operation.get("parameters", [])} - HEADERS
    taken = parameters(route)
    assert declared <= taken
    if "requestBody" not in operation:
        assert taken == declared


def parameters(route: Route[Any, Any]) -> set[str]:
    """Return the names of the parameters of a route, the keys of its options among them."""
    found: set[str] = set()
    for name, parameter in inspect.signature(route.build).parameters.items():
        if parameter.kind is parameter.VAR_KEYWORD:
            (options,) = get_args(parameter.annotation)
            found |= options.__annotations__.keys()
        else:
            found.add(name.removesuffix("_"))  # `from` is a word of Python's own
    return found


def test_no_generated_file_is_stale() -> None:
    assert stale_files().keys() == set(), "run `python -m scripts.client`"
