"""A typed client of Palate, for plain (`Client`) and for async code (`AsyncClient`)."""

from palate_client._async.client import AsyncClient
from palate_client._sync.client import Client
from palate_client.errors import (
    ApiError,
    Conflict,
    CursorExpired,
    FieldError,
    Forbidden,
    Invalid,
    NotFound,
    PalateClientError,
    TooManyRequests,
    Unauthorized,
    Unavailable,
    UnexpectedAnswer,
    Unreachable,
)
from palate_client.import_result import Imported
from palate_client.retry import Retry

__all__ = [
    "ApiError",
    "AsyncClient",
    "Client",
    "Conflict",
    "CursorExpired",
    "FieldError",
    "Forbidden",
    "Imported",
    "Invalid",
    "NotFound",
    "PalateClientError",
    "Retry",
    "TooManyRequests",
    "Unauthorized",
    "Unavailable",
    "UnexpectedAnswer",
    "Unreachable",
]
