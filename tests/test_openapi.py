"""The OpenAPI document is true: every example runs, and every answer is of the declared form."""

import json
from collections.abc import Iterator
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode

import pytest
from fastapi.routing import iter_route_contexts
from fastapi.testclient import TestClient
from pydantic import TypeAdapter

from app.main import create_app
from app.settings import Settings

Document = dict[str, Any]
ORDER = ["put", "post", "patch", "get", "delete"]  # what one example makes, a later one reads
NEED_A_MODEL = {"/v1/models/{version}", "/v1/models/{version}/activate"}  # shown in tests/app/registry
NEED_TWO_MODELS = {("post", "/v1/experiments"), ("get", "/v1/experiments/{number}")}  # in tests/app/experiments
NEED_TWO_MODELS |= {("post", "/v1/experiments/{number}/stop"), ("get", "/v1/experiments/{number}/report")}
NEED_A_RECEIPT = {"/v1/erasures/{erasure_id}"}  # shown in tests/app/erasure
ENDLESS = "/v1/training-runs/{run_id}/events"  # ends with its run, so it comes last


class Example(NamedTuple):
    """One call that the document describes."""

    method: str
    path: str
    url: str
    body: Any  # JSON; text of another kind with its media type


class Text(NamedTuple):
    """A body that is not JSON."""

    media_type: str
    text: str


def resolve(document: Document, schema: Document) -> Document:
    """Follow references, and take the first of alternatives."""
    while "$ref" in schema or "anyOf" in schema or "oneOf" in schema:
        schema = (
            document["components"]["schemas"][schema["$ref"].rsplit("/")[-1]]
            if "$ref" in schema
            else ((schema.get("anyOf") or schema["oneOf"])[0])
        )
    return schema


def example_of(document: Document, schema: Document) -> Any:
    """Return a schema's own example, or put one together from those of its fields: the required ones, if any are."""
    if "examples" in schema:
        return schema["examples"][0]
    resolved = resolve(document, schema)
    if "examples" in resolved:
        return resolved["examples"][0]
    fields = resolved["properties"]
    wanted = resolved.get("required") or [name for name, field in fields.items() if "examples" in field]
    return {name: example_of(document, fields[name]) for name in wanted}


def bodies(document: Document, operation: Document) -> Iterator[Any]:
    """Return every example body of an operation; None where it takes none."""
    if "requestBody" not in operation:
        yield None
        return
    if "application/json" not in operation["requestBody"]["content"]:
        for media_type, content in operation["requestBody"]["content"].items():
            yield from (Text(media_type, example["value"]) for example in content["examples"].values())
        return
    content = operation["requestBody"]["content"]["application/json"]
    if "examples" in content:
        yield from (example["value"] for example in content["examples"].values())
        return
    yield from resolve(document, content["schema"]).get("examples") or [example_of(document, content["schema"])]


def filled(path: str, operation: Document) -> str:
    """Fill a path's parameters with their examples; a run is the first one."""
    for parameter in operation.get("parameters", []):
        if parameter["in"] == "path":
            examples = parameter.get("examples") or parameter["schema"].get("examples") or ["1"]
            path = path.replace("{" + parameter["name"] + "}", quote(str(examples[0]), safe=""))
    return path


def query_examples(operation: Document) -> Iterator[str]:
    """Return a query string for every example of a query parameter, and the empty one if that may be sent."""
    if not any(
        parameter.get("required") for parameter in operation.get("parameters", []) if parameter["in"] == "query"
    ):
        yield ""
    for parameter in operation.get("parameters", []):
        examples = parameter.get("examples") or parameter["schema"].get("examples") or []
        if parameter["in"] == "query":
            yield from (f"?{urlencode({parameter['name']: example}, doseq=True)}" for example in examples)


def examples(document: Document) -> list[Example]:
    """Return every example of the document, in an order in which they can run."""
    found = [
        Example(method, path, filled(path, operation) + query, body)
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
        for body in bodies(document, operation)
        for query in query_examples(operation)
        if path not in NEED_A_MODEL | NEED_A_RECEIPT and (method, path) not in NEED_TWO_MODELS
    ]
    return sorted(found, key=lambda example: (example.path == ENDLESS, ORDER.index(example.method)))


@pytest.fixture
def client(settings: Settings) -> Iterator[TestClient]:
    """A client of the real app, on an empty database."""
    with TestClient(create_app(settings)) as client:
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
        answer = call(client, example)
        declared = document["paths"][example.path][example.method]["responses"]
        assert answer.status_code < 300, f"{example}: {answer.text}"
        assert str(answer.status_code) in declared, example
        model = models[example.method.upper(), example.path]
        if model is not None and example.path != ENDLESS:
            TypeAdapter(model).validate_json(answer.content)
            assert json.loads(answer.content).keys() == fields(document, declared, answer.status_code), example
        ran += 1
    assert ran > len(document["paths"])


def call(client: TestClient, example: Example) -> Any:
    if isinstance(example.body, Text):
        headers = {"Content-Type": example.body.media_type}
        return client.request(example.method, example.url, content=example.body.text, headers=headers)
    return client.request(example.method, example.url, json=example.body)


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
