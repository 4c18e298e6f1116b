"""The calls that the OpenAPI document describes by its examples."""

from collections.abc import Iterator
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode

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


def one_each(document: Document) -> list[Example]:
    """Return one example for each operation."""
    return [
        Example(
            method,
            path,
            filled(path, operation) + next(query_examples(operation), ""),
            next(bodies(document, operation)),
        )
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
    ]


def arguments_of(example: Example) -> dict[str, Any]:
    """Return what a client's `request` takes for a call."""
    call: dict[str, Any] = {"method": example.method, "url": example.url}
    if isinstance(example.body, Text):
        return call | {"content": example.body.text, "headers": {"Content-Type": example.body.media_type}}
    return call | {"json": example.body}
