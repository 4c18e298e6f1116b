"""The OpenAPI document is true: every example runs, and every answer is of the declared form."""

import json
from collections.abc import Iterator

import pytest
from fastapi.routing import iter_route_contexts
from fastapi.testclient import TestClient
from pydantic import TypeAdapter

from app.main import create_app
from app.settings import Settings
from tests.openapi_examples import ENDLESS, Document, arguments_of, bodies, examples, resolve


@pytest.fixture
def client(settings: Settings) -> Iterator[TestClient]:
    """A client of the real app, on an empty database."""
    with TestClient(create_app(settings), base_url="http://localhost") as client:
        yield client


def test_every_example_runs_and_is_answered_in_the_declared_form(client: TestClient) -> None:
    document = client.get("/openapi.json").json()
    routes = iter_route_contexts(client.app.routes)  # type: ignore[attr-defined]
    models = {
        (method, route.path): route.response_model
        for route in routes
        for method in route.methods or ()
        if hasattr(route, "response_model")
    }
    ran = 0
    for example in examples(document):
        answer = client.request(**arguments_of(example))
        declared = document["paths"][example.path][example.method]["responses"]
        assert answer.status_code < 300, f"{example}: {answer.text}"
        assert str(answer.status_code) in declared, example
        model = models[example.method.upper(), example.path]
        if model is not None and example.path != ENDLESS:
            TypeAdapter(model).validate_json(answer.content)
            assert json.loads(answer.content).keys() == fields(document, declared, answer.status_code), example
        ran += 1
    assert ran > len(document["paths"])


def fields(document: Document, declared: Document, status: int) -> set[str]:
    """Return the fields that an answer must have and may have."""
    schema = resolve(document, declared[str(status)]["content"]["application/json"]["schema"])
    return set(schema["properties"])


def test_every_operation_has_a_summary_and_an_example_body(client: TestClient) -> None:
    document = client.get("/openapi.json").json()
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            assert operation.get("summary"), f"{method} {path}"
            assert list(bodies(document, operation)), f"{method} {path}"
