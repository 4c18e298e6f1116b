"""How a response is read."""

from typing import TypeVar

import httpx2
from pydantic import ValidationError

from palate_client.call import Call
from palate_client.errors import PalateClientError, UnexpectedAnswer, Unreachable, api_error
from palate_client.retry import Outcome, retry_after_s

T = TypeVar("T")
REQUEST_ID = "X-Request-Id"


def parse(call: Call[T], request: httpx2.Request, outcome: Outcome) -> T:
    """Return the answer to a call.

    Raises:
        PalateClientError: if the call failed.
    """
    response = require_success(request, outcome)
    try:
        return call.route.adapter.validate_json(response.content or b"null")
    except ValidationError as error:
        raise unexpected_answer(request, error) from error


def require_success(request: httpx2.Request, outcome: Outcome) -> httpx2.Response:
    """Return a response that reports success.

    Raises:
        PalateClientError: if it reports an error, or none came.
    """
    if isinstance(outcome, httpx2.RequestError):
        raise error_of(request, outcome) from outcome
    if outcome.is_success:
        return outcome
    raise error_of(request, outcome)


def error_of(request: httpx2.Request, outcome: Outcome) -> PalateClientError:
    """Return the exception for a response that reports an error, or that did not come."""
    request_id = request.headers[REQUEST_ID]
    if isinstance(outcome, httpx2.RequestError):
        return Unreachable(f"{describe(request)}: {outcome or type(outcome).__name__}", request_id)
    return api_error(outcome, request_id, retry_after_s(outcome))


def unexpected_answer(request: httpx2.Request, reason: object) -> UnexpectedAnswer:
    """Return the exception for an answer that is not as Palate writes it."""
    return UnexpectedAnswer(f"{describe(request)}: {reason}", request.headers[REQUEST_ID])


def describe(request: httpx2.Request) -> str:
    """Return the method and the address of a request for a message; its query may be long."""
    return f"{request.method} {request.url.copy_with(query=None)}"
