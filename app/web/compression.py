"""Bodies that are sent compressed: large answers for who asks, and requests of who likes."""

import zlib
from collections.abc import AsyncIterator, Iterable
from functools import lru_cache

from starlette.middleware.gzip import GZipResponder
from starlette.requests import ClientDisconnect
from starlette.types import Message, Receive, Scope, Send

from app.kit.errors import BodyTooLarge, EncodingUnsupported, FieldProblem, InvalidRequest

LARGE_BYTES = 4_096  # a list of ten recommendations is smaller, and costs less as it is
LEVEL = 5
STEP_BYTES = 65_536  # unpacked at once
ENCODINGS = {b"gzip", b"x-gzip", b"deflate"}
BROKEN = FieldProblem("/", "must be what its Content-Encoding says, from beginning to end")
Headers = Iterable[tuple[bytes, bytes]]


def is_large(headers: Headers) -> bool:
    """Return whether an answer is worth compressing. A stream has no length: to be fast is what it is for."""
    for name, value in headers:
        if name == b"content-length":
            return int(value) >= LARGE_BYTES
    return False


@lru_cache(maxsize=256)
def takes_gzip(accepted: bytes) -> bool:
    """Return whether `Accept-Encoding` asks for gzip."""
    for choice in accepted.decode("latin-1").lower().split(","):
        name, _, weight = choice.replace(" ", "").partition(";q=")
        if name in {"gzip", "x-gzip"}:
            return weight.strip("0.") != "" or not weight
    return False


async def answer_nothing(scope: Scope, receive: Receive, send: Send) -> None:
    """Stand for the app of a responder that is handed the messages of another."""


def compressing(send: Send) -> Send:
    """Return what compresses one answer and passes it on."""
    responder = GZipResponder(answer_nothing, LARGE_BYTES, LEVEL)
    responder.send = send
    return responder.send_with_compression


async def unpack_request(scope: Scope, receive: Receive, encoding: bytes, max_bytes: int) -> Receive:
    """Unpack a request's body: its headers are then as if it had been sent so. Return what receives it.

    Raises:
        EncodingUnsupported: if it is packed in a way that we do not know.
        InvalidRequest: if it is not what its header says.
        BodyTooLarge: as soon as more comes out than a body may have.
    """
    if encoding.strip().lower() not in ENCODINGS:
        raise EncodingUnsupported
    body = bytearray()
    async for part in unpack(receive):
        body += part
        if len(body) > max_bytes:
            raise BodyTooLarge(f"Send at most {max_bytes:,} bytes, counted uncompressed; cut the request into several.")
    parts = [bytes(body)]

    async def receive_unpacked() -> Message:
        return {"type": "http.request", "body": parts.pop(), "more_body": False} if parts else await receive()

    dropped = {b"content-encoding", b"content-length"}
    kept = [(name, value) for name, value in scope["headers"] if name not in dropped]
    scope["headers"] = [*kept, (b"content-length", b"%d" % len(body))]
    return receive_unpacked


async def unpack(receive: Receive) -> AsyncIterator[bytes]:
    """Unpack a body of gzip (of several members, too) or zlib, little by little, whatever it would grow to."""
    unpacker, is_begun = zlib.decompressobj(zlib.MAX_WBITS | 32), False
    async for packed in chunks(receive):
        pending = packed
        while True:
            is_begun = is_begun or bool(pending)
            try:
                part = unpacker.decompress(pending, STEP_BYTES)
            except zlib.error:
                raise InvalidRequest("The body cannot be unpacked.", [BROKEN]) from None
            yield part
            pending = unpacker.unconsumed_tail
            if unpacker.eof and unpacker.unused_data:
                pending, unpacker = unpacker.unused_data, zlib.decompressobj(zlib.MAX_WBITS | 32)
            elif not pending and len(part) < STEP_BYTES:
                break
    if is_begun and not unpacker.eof:
        raise InvalidRequest("The body is cut off.", [BROKEN])


async def chunks(receive: Receive) -> AsyncIterator[bytes]:
    """Receive a body piece by piece."""
    is_last = False
    while not is_last:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        yield message.get("body", b"")
        is_last = not message.get("more_body", False)
