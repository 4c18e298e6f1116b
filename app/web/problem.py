"""RFC 9457 problem details: the one way an error leaves the service."""

from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.routing import iter_route_contexts
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.routing import Match

from app.kit.errors import (
    AddressTooLong,
    BodyTooLarge,
    ConnectionsFull,
    DatabaseBusy,
    DatabaseSilent,
    DatabaseUnavailable,
    FieldProblem,
    HeadersTooLarge,
    HostRefused,
    InvalidRequest,
    MalformedRequest,
    MethodNotAllowed,
    OutcomeUnknown,
    PalateError,
    RateExceeded,
    RequestStalled,
    RouteNotFound,
    ServerStopping,
    UnexpectedError,
)
from app.kit.validation import invalid_request

MEDIA_TYPE = "application/problem+json"
ANYWHERE: tuple[type[PalateError], ...] = (
    HostRefused,
    MalformedRequest,
    RequestStalled,
    AddressTooLong,
    RateExceeded,
    HeadersTooLarge,
    UnexpectedError,
    DatabaseUnavailable,
    DatabaseSilent,
    DatabaseBusy,
    OutcomeUnknown,
    ConnectionsFull,
    ServerStopping,
)
BY_STATUS: Mapping[int, type[PalateError]] = {404: RouteNotFound, 405: MethodNotAllowed, 413: BodyTooLarge}


class Problem(BaseModel):
    """Problem details for an HTTP API (RFC 9457)."""

    type: str = Field(description="Kind of error: `/problems/<code>`.", examples=["/problems/invalid-request"])
    title: str
    status: int
    detail: str
    errors: list[dict[str, Any]] = Field(default=[], description="The offending fields, each with how to mend it.")


def problem_body(error: PalateError) -> dict[str, Any]:
    """Describe an error as problem details."""
    body = {"type": f"/problems/{error.code()}", "title": error.title(), "status": error.status, "detail": error.detail}
    return body | {"errors": error.fields} if error.fields else body


def problem_response(error: PalateError) -> JSONResponse:
    """Answer with an error."""
    return JSONResponse(problem_body(error), error.status, headers=error.headers, media_type=MEDIA_TYPE)


def problem_responses(*errors: type[PalateError]) -> dict[int | str, dict[str, Any]]:
    """Declare a route's own errors for OpenAPI; `app.openapi` adds those that any route may answer."""
    by_status: dict[int, list[type[PalateError]]] = {}
    for error in errors:
        by_status.setdefault(error.status, []).append(error)
    return {status: declare(same) for status, same in sorted(by_status.items())}


def declare(errors: Sequence[type[PalateError]]) -> dict[str, Any]:
    """Describe the errors of one status."""
    examples = {error.code(): {"value": problem_body(error())} for error in errors}
    schema = {"$ref": "#/components/schemas/Problem"}
    return {
        "description": " ".join(error.title() for error in errors),
        "content": {MEDIA_TYPE: {"schema": schema, "examples": examples}},
    }


def from_http(error: HTTPException) -> PalateError:
    """Translate what FastAPI itself refuses: an unknown address, a wrong method, a body too large or unreadable."""
    if kind := BY_STATUS.get(error.status_code):
        return kind()
    if error.status_code < 500:
        return InvalidRequest("The body cannot be read.", [FieldProblem("/", "must be JSON in UTF-8")])
    return UnexpectedError()


def install(app: FastAPI) -> None:
    """Let every error leave as problem+json. A bug is logged by the middleware, which the exception reaches next."""

    @app.exception_handler(PalateError)
    async def on_error(_request: Request, error: PalateError) -> JSONResponse:
        return problem_response(error)

    @app.exception_handler(Exception)
    async def on_bug(_request: Request, _error: Exception) -> JSONResponse:
        return problem_response(UnexpectedError())

    @app.exception_handler(RequestValidationError)
    async def on_invalid(_request: Request, error: RequestValidationError) -> JSONResponse:
        return problem_response(invalid_request(error.errors()))

    @app.exception_handler(HTTPException)
    async def on_http(request: Request, error: HTTPException) -> JSONResponse:
        response = problem_response(from_http(error))
        response.headers.update(error.headers or {})
        if error.status_code == MethodNotAllowed.status:
            response.headers["Allow"] = ", ".join(methods_of(request))
        return response


def methods_of(request: Request) -> list[str]:
    """Return the methods that an address has, over all routes that match it."""
    methods = set[str]()
    for route in iter_route_contexts(request.app.routes):
        if route.matches(request.scope)[0] is not Match.NONE:
            methods |= route.methods or set()
    return sorted(methods | {"HEAD"} if "GET" in methods else methods)
