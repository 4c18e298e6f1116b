"""The header `Idempotency-Key`, and answers that may be those of the first time."""

from typing import Annotated

from fastapi import Depends, Header, Request, Response

from app.idempotency.service import Answer, Once, OnceStreamed

MAX_KEY_LENGTH = 255
Key = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=MAX_KEY_LENGTH,
        pattern="^[!-~]+$",
        description="A new random text for each request, such as a UUID: sent again under it within 24 hours, the "
        "request is carried out once and gets the same answer, with `Idempotency-Replayed: true`.",
    ),
]


async def get_once(
    request: Request, key: Key = None, x_api_key: Annotated[str, Header(include_in_schema=False)] = ""
) -> Once | None:
    """Return what a request is under its key, if it has one."""
    if key is None:
        return None
    return Once.of(x_api_key, key, target_of(request) + await request.body())


def get_once_streamed(
    request: Request, key: Key = None, x_api_key: Annotated[str, Header(include_in_schema=False)] = ""
) -> OnceStreamed | None:
    """Return the same, of a request whose body is still to come."""
    return None if key is None else OnceStreamed(x_api_key, key, target_of(request))


def target_of(request: Request) -> bytes:
    """Return what is asked for, without the body."""
    return f"{request.method} {request.url.path}?{request.url.query}\n".encode()


OnceDep = Annotated[Once | None, Depends(get_once)]
OnceStreamedDep = Annotated[OnceStreamed | None, Depends(get_once_streamed)]


def respond(answer: Answer, media_type: str = "application/json") -> Response:
    """Answer, and say whether that is the answer of the first time."""
    headers = {"Location": answer.location} if answer.location else {}
    if answer.is_replayed:
        headers["Idempotency-Replayed"] = "true"
    return Response(answer.body, answer.status or 200, headers, media_type=media_type)
