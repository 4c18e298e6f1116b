"""How an answer is read."""

from typing import TypeVar

import httpx2
from pydantic import ValidationError

from palate_client.call import Call
from palate_client.errors import PalateClientError, UnexpectedAnswer, Unreachable, api_error
from palate_client.retry import Outcome, retry_after_s

T = TypeVar("T")
REQUEST_ID = "X-Request-Id"


def read(call: Call[T], request: httpx2.Request, outcome: Outcome) -> T:
    """Give what a call answered.

    Raises:
        PalateClientError: what went wrong.
    """
    response = accepted(request, outcome)
    try:
        return call.route.adapter.validate_json(response.content or b"null")
    except ValidationError as error:
        raise UnexpectedAnswer(f"{named(request)}: {error}", request.headers[REQUEST_ID]) from error


def accepted(request: httpx2.Request, outcome: Outcome) -> httpx2.Response:
    """Give an answer that says yes.

    Raises:
        PalateClientError: if it says no, or there is none.
    """
    if isinstance(outcome, httpx2.RequestError):
        raise failure(request, outcome) from outcome
    if outcome.is_success:
        return outcome
    raise failure(request, outcome)


def failure(request: httpx2.Request, outcome: Outcome) -> PalateClientError:
    """Make the exception for an answer that says no, or that did not come."""
    request_id = request.headers[REQUEST_ID]
    if isinstance(outcome, httpx2.RequestError):
        return Unreachable(f"{named(request)}: {outcome or type(outcome).__name__}", request_id)
    return api_error(outcome, request_id, retry_after_s(outcome))


def named(request: httpx2.Request) -> str:
    """Name a request for a message; its query may be long."""
    return f"{request.method} {request.url.copy_with(query=None)}"
