"""What every call has in common, added to the OpenAPI document: its key and scope, and the errors of any call."""

from collections.abc import Iterator, Mapping
from typing import Any

from app.keys.scopes import Scope, required_scope
from app.kit.errors import (
    BodyTooLarge,
    CrossSite,
    EncodingUnsupported,
    InvalidRequest,
    KeyExpired,
    KeyMissing,
    KeyRefused,
    PalateError,
    RouteNotFound,
    ScopeMissing,
)
from app.web.problem import ANYWHERE, Problem, declare

Document = dict[str, Any]
OF_KEYS: tuple[type[PalateError], ...] = (KeyMissing, KeyRefused, KeyExpired, ScopeMissing)
OF_BODIES: tuple[type[PalateError], ...] = (BodyTooLarge, EncodingUnsupported, InvalidRequest)
OF_FRAMEWORK = ("HTTPValidationError", "ValidationError")  # FastAPI declares them; no answer has their form
SCHEMES = {
    "key": {
        "type": "apiKey",
        "in": "header",
        "name": "X-API-Key",
        "description": "A key that `palate keys create` made. A server that only its own machine can reach asks for "
        "none until the first was made.",
    },
    "bearer": {"type": "http", "scheme": "bearer", "description": "The same key, for clients that send tokens."},
}


def complete(document: Document) -> Document:
    """Add to FastAPI's document what it does not know."""
    components = document["components"]
    for name in OF_FRAMEWORK:
        components["schemas"].pop(name, None)
    components["schemas"]["Problem"] = Problem.model_json_schema()
    components["securitySchemes"] = SCHEMES
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            complete_operation(operation, method.upper(), path)
    return document


def complete_operation(operation: Document, method: str, path: str) -> None:
    """Add a call's key, scope and errors."""
    scope = required_scope(method, path)
    operation["security"] = [{scheme: [str(scope)]} for scheme in SCHEMES] if scope else []
    operation["description"] = "\n\n".join(filter(None, (operation.get("description"), words_of(scope))))
    responses = operation["responses"]
    if is_of_framework(responses.get("422", {})):
        del responses["422"]
    for error in errors_of(operation, method, path):
        add_error(responses, error)
    operation["responses"] = dict(sorted(responses.items()))


def words_of(scope: Scope | None) -> str:
    """Return which key a call needs."""
    if scope is None:
        return "Needs no key."
    also = f" or `{Scope.READ}`" if scope is Scope.METRICS else ""
    return f"Needs a key with the scope `{scope}`{also}."


def is_of_framework(response: Mapping[str, Any]) -> bool:
    """Return whether FastAPI declared an error by itself."""
    schema = response.get("content", {}).get("application/json", {}).get("schema", {})
    return bool(schema.get("$ref", "").endswith("/HTTPValidationError"))


def errors_of(operation: Mapping[str, Any], method: str, path: str) -> Iterator[type[PalateError]]:
    """Yield the errors that a call may get beside those that its route declares."""
    yield from ANYWHERE
    if required_scope(method, path):
        yield from OF_KEYS
    if method != "GET":
        yield CrossSite
    if "{" in path:
        yield RouteNotFound  # a value with a slash leads elsewhere
    if operation.get("parameters"):
        yield InvalidRequest
    if "requestBody" in operation:
        yield from OF_BODIES


def add_error(responses: Document, error: type[PalateError]) -> None:
    """Declare an error, beside others of its status."""
    declared = declare([error])
    known = responses.setdefault(str(error.status), declared)
    for media_type, content in declared["content"].items():
        there = known["content"].setdefault(media_type, content)
        if error.code() not in there["examples"]:
            there["examples"] |= content["examples"]
            known["description"] += f" {declared['description']}"
