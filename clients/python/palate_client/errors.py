"""What can go wrong with a call."""

from typing import NamedTuple

import httpx2
from pydantic import ValidationError

from palate_client.answers import Problem


class PalateClientError(Exception):
    """A call went wrong."""

    def __init__(self, message: str, request_id: str) -> None:
        super().__init__(f"{message} [X-Request-Id: {request_id}]")
        self.request_id = request_id  # the server's log has it


class Unreachable(PalateClientError):
    """No whole answer came; whether the call was done is not known, unless no connection was made (`__cause__`)."""


class UnexpectedAnswer(PalateClientError):
    """The answer has not the form that this client knows: does Palate answer there, and a version like this one?"""


class FieldError(NamedTuple):
    """A field that the server refused, and how to mend it."""

    field: str  # a JSON pointer into the body, `/` for all of it, or the name of a parameter
    detail: str


class ApiError(PalateClientError):
    """The server refused a call: the fields of its problem details (RFC 9457) are attributes."""

    def __init__(self, problem: Problem, request_id: str, retry_after_s: float | None) -> None:
        super().__init__(f"{problem.status} {problem.type}: {problem.detail}", request_id)
        self.status = problem.status
        self.code = problem.type.rsplit("/", 1)[-1]  # such as `invalid-request`; docs/reference/errors.md lists them
        self.title = problem.title
        self.detail = problem.detail
        self.errors = [FieldError(str(each.get("field")), str(each.get("detail"))) for each in problem.errors]
        self.retry_after_s = retry_after_s


class Unauthorized(ApiError):
    """401: the key is missing or was refused."""


class Forbidden(ApiError):
    """403: the key's scopes do not allow the call."""


class NotFound(ApiError):
    """404: there is no such user, item, rating, run, version or receipt."""


class Conflict(ApiError):
    """409: what is there does not allow the call now."""


class CursorExpired(ApiError):
    """410: what the cursor goes on with is not kept any more; start again."""


class Invalid(ApiError):
    """422: a value is not allowed; `errors` names each field and how to mend it."""


class TooManyRequests(ApiError):
    """429: something before the server wants fewer calls."""


class Unavailable(ApiError):
    """502, 503 or 504: the server cannot answer now."""


BY_STATUS: dict[int, type[ApiError]] = {
    401: Unauthorized,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    410: CursorExpired,
    422: Invalid,
    429: TooManyRequests,
    502: Unavailable,
    503: Unavailable,
    504: Unavailable,
}


def api_error(response: httpx2.Response, request_id: str, retry_after_s: float | None) -> ApiError:
    """Return the exception for a response that reports an error."""
    return problem_error(read_problem(response), response.headers.get("X-Request-Id", request_id), retry_after_s)


def problem_error(problem: Problem, request_id: str, retry_after_s: float | None) -> ApiError:
    """Return the exception for problem details."""
    return BY_STATUS.get(problem.status, ApiError)(problem, request_id, retry_after_s)


def read_problem(response: httpx2.Response) -> Problem:
    """Return the problem details of a response; a proxy may answer without any."""
    try:
        return Problem.model_validate_json(response.content)
    except ValidationError:
        status, phrase = response.status_code, response.reason_phrase
        return Problem(type="about:blank", title=phrase, status=status, detail=f"{phrase}: {response.text[:200]}")
