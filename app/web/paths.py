"""Ids in paths: any character may stand in one, percent-encoded, a slash too.

The server decodes a path before it is routed, so `/v1/items/a%2Fb` would arrive as two segments. The middleware keeps
an encoded slash of an id apart as NUL, which no id may hold, and `PathUserId` and `PathItemId` turn it back.
Elsewhere a slash is a slash.
"""

from typing import Annotated
from urllib.parse import unquote_to_bytes

from fastapi import Path
from pydantic import BeforeValidator, WithJsonSchema
from starlette.types import ASGIApp, Receive, Scope, Send

from app.kit.errors import FieldProblem, InvalidRequest
from app.kit.ids import ExternalId
from app.settings import MAX_ID_LENGTH
from app.web.problem import problem_response

WITH_IDS = ("/v1/users/", "/v1/items/")


class EncodedSlashes:
    """ASGI middleware that lets ids in paths hold slashes, and refuses what is no UTF-8 or holds NUL."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Rewrite the path of the few requests that have an encoded character in it."""
        raw: bytes = scope.get("raw_path") or b""
        if b"%" in raw:
            try:
                scope["path"] = decode_path(raw)
            except ValueError as error:
                refusal = InvalidRequest(f"The path {error}.", [FieldProblem("path", str(error))])
                await problem_response(refusal)(scope, receive, send)
                return
        await self.app(scope, receive, send)


def decode_path(raw: bytes) -> str:
    """Decode a path; where ids stand in it, their encoded slashes become NUL.

    Raises:
        ValueError: saying what to change.
    """
    if b"%00" in raw:
        raise ValueError("must not hold the character NUL (%00)")
    try:
        path = unquote_to_bytes(raw).decode()
        if path.startswith(WITH_IDS):
            return unquote_to_bytes(raw.replace(b"%2F", b"%00").replace(b"%2f", b"%00")).decode()
        return path
    except UnicodeDecodeError:
        raise ValueError("must be percent-encoded UTF-8") from None


FromPath = Annotated[
    ExternalId,
    BeforeValidator(lambda text: text.replace("\x00", "/")),
    WithJsonSchema({"type": "string", "minLength": 1, "maxLength": MAX_ID_LENGTH}),
]
PathUserId = Annotated[FromPath, Path(description="The caller's own id of a user, percent-encoded.", examples=["ada"])]
PathItemId = Annotated[
    FromPath, Path(description="The caller's own id of an item, percent-encoded.", examples=["blade-runner-1982"])
]
