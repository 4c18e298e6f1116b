"""RFC 9457 problem details: the one way an error leaves the service."""

from collections.abc import Sequence
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from app.errors import FieldProblem, InvalidRequest, PalateError

MEDIA_TYPE = "application/problem+json"


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


def invalid_request(errors: Sequence[Any]) -> InvalidRequest:
    """Turn pydantic's errors into one problem that names every field (at most 20)."""
    fields = [FieldProblem(pointer(error["loc"]), error["msg"]) for error in errors[:20]]
    more = f" and {len(errors) - 20} more" if len(errors) > 20 else ""
    return InvalidRequest("; ".join(f"{f['field']}: {f['detail']}" for f in fields) + more, fields)


def pointer(location: Sequence[str | int]) -> str:
    """Name a field: `limit` for a parameter, `/ratings/3/value` for a place in the body."""
    where, *path = location
    return "/" + "/".join(map(str, path)) if where == "body" else ".".join(map(str, path)) or str(where)


def install(app: FastAPI) -> None:
    """Let every error leave as problem+json."""

    @app.exception_handler(PalateError)
    async def on_error(_request: Request, error: PalateError) -> JSONResponse:
        return problem_response(error)

    @app.exception_handler(RequestValidationError)
    async def on_invalid(_request: Request, error: RequestValidationError) -> JSONResponse:
        return problem_response(invalid_request(error.errors()))

    @app.exception_handler(HTTPException)
    async def on_http(_request: Request, error: HTTPException) -> JSONResponse:
        body = {
            "type": "about:blank",
            "title": str(error.detail),
            "status": error.status_code,
            "detail": str(error.detail),
        }
        return JSONResponse(body, error.status_code, headers=error.headers, media_type=MEDIA_TYPE)

    @app.exception_handler(Exception)
    async def on_bug(_request: Request, _error: Exception) -> JSONResponse:
        return problem_response(PalateError("An unexpected error; the log has it under this request's id."))
