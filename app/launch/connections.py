"""One HTTP connection of uvicorn's, with bounds on what it may send, hold and wait for before any of ours sees it.

`Connection` counts; `Server` looks at all connections once a second, so that a request costs no timer.
"""

from collections.abc import Iterator
from typing import Any, cast

import orjson
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from app.kit.errors import (
    AddressTooLong,
    ConnectionsFull,
    HeadersTooLarge,
    MalformedRequest,
    PalateError,
    RequestStalled,
)
from app.launch.open_connections import OpenConnections
from app.web.problem import MEDIA_TYPE, problem_body

MAX_ADDRESS_BYTES = 32 * 1024  # of path and query
MAX_HEAD_BYTES = 64 * 1024  # of the request line and all headers
MAX_HEADERS = 100
MAX_PIPELINED = 20  # requests that wait on a connection for the answer before theirs
PIECE_BYTES = 16 * 1024  # parsed before the bounds are looked at again
HEAD_S = 10  # in which the whole head must have come
KEEP_ALIVE_S = 65  # more than the 60 that proxies keep an idle connection, so that they are the ones to close it
BODY_S = 20  # how long a body may be silent, or slower than this:
MIN_BYTES_PER_S = 500
IMPORT_S = 75  # its own deadline is 60
WRITE_S = 60  # how long a client may not read what it is sent
LINGER_S = 2  # in which a client that was refused can read why
LINGER_BYTES = 4 * 1024 * 1024  # that it may send meanwhile
CHUNK_OVERHEAD = 8  # bytes that a byte of a body may take, when each is a chunk of its own
OWN_DEADLINE = b"/v1/imports"
HEALTH = b"/health/"


class UntoldLength(int):
    """The length of a body that ends with the connection, as in HTTP/1.0: as long as what is sent."""

    def __lt__(self, _sent: int) -> bool:
        """Be no shorter than what is sent."""
        return False

    def __sub__(self, _sent: int) -> "UntoldLength":
        """Be as long as before."""
        return self

    def __ne__(self, _rest: object) -> bool:
        """Be used up at any moment."""
        return False

    __hash__ = int.__hash__


class Connection(HttpToolsProtocol):
    """A connection that is told what it does wrong, and closed."""

    open: OpenConnections

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.open = cast("OpenConnections", self.server_state)
        self.is_in_head = False  # a head has begun, and not ended
        self.head_bytes = 0  # of a head that has begun
        self.quiet_s = 0.0  # since the last answer, or since the head began
        self.patience_s = float(BODY_S)
        self.unread_s = 0.0  # for which the client has not read
        self.body_bytes = self.framed_bytes = 0  # of a body, without and with what frames it
        self.is_extra = False  # beyond the bound: for health checks
        self.refusal: PalateError | None = None
        self.is_refused = False
        self.dropped_bytes = 0

    @property
    def is_answering(self) -> bool:
        """Return whether a request has come whose answer has not left."""
        return self.cycle is not None and not self.cycle.response_complete

    def connection_made(self, transport: Any) -> None:
        """Take a connection in; at the bound, one that waits for a request gives its place."""
        super().connection_made(transport)
        if not self.open.admit(self):
            self.refuse(ConnectionsFull())

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget a connection."""
        self.open.forget(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse what came, piece by piece, until a bound is passed."""
        for piece in pieces(data):
            if self.is_refused or self.parser is None:
                self.drop(piece)
                return
            super().data_received(piece)
            if self.is_in_head:
                self.quiet_s = self.quiet_s if self.head_bytes else 0.0
                self.head_bytes += len(piece)
                if self.head_bytes > MAX_HEAD_BYTES and not self.is_refused:
                    self.refuse(AddressTooLong() if len(self.url) > MAX_ADDRESS_BYTES else HeadersTooLarge())
            else:
                self.framed_bytes += len(piece)
                if self.framed_bytes > MAX_HEAD_BYTES + CHUNK_OVERHEAD * self.body_bytes:
                    self.refuse(HeadersTooLarge())  # trailers

    def on_message_begin(self) -> None:
        """Expect a head."""
        self.is_in_head = True
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Begin a request, unless its head is too large or there is no place for it."""
        self.refusal = self.reason_to_refuse()
        if self.refusal:
            raise self.refusal
        self.is_in_head, self.head_bytes, self.patience_s = False, 0, float(BODY_S)
        self.body_bytes = self.framed_bytes = 0
        self.open.waiting.pop(self, None)
        super().on_headers_complete()
        if self.scope["http_version"] == "1.0":  # which knows no chunks
            self.cycle.chunked_encoding, self.cycle.expected_content_length = False, UntoldLength()
        if self.open.is_stopping or self.is_extra:
            self.cycle.keep_alive = False

    def reason_to_refuse(self) -> PalateError | None:
        """Return why a request whose head has come is not passed on."""
        if len(self.url) > MAX_ADDRESS_BYTES:
            return AddressTooLong()
        if len(self.headers) > MAX_HEADERS or (self.head_bytes and self.head_size() > MAX_HEAD_BYTES):
            return HeadersTooLarge()
        if len(self.pipeline) >= MAX_PIPELINED or (self.is_extra and not self.url.startswith(HEALTH)):
            return ConnectionsFull()
        return None

    def head_size(self) -> int:
        """Return how large the head is without its punctuation."""
        return len(self.url) + sum(len(name) + len(value) for name, value in self.headers)

    def on_body(self, body: bytes) -> None:
        """Take some of a body, which buys it time."""
        self.body_bytes += len(body)
        self.patience_s = min(float(BODY_S), self.patience_s + len(body) / MIN_BYTES_PER_S)
        super().on_body(body)

    def on_response_complete(self) -> None:
        """Go on with the next request; without uvicorn's timer, because `pass_time` closes what waits too long."""
        self.server_state.total_requests += 1
        self.quiet_s = 0.0
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
        else:
            self.open.waiting[self] = None

    def pass_time(self, seconds: float) -> None:
        """Close the connection if its client let pass more time than it has."""
        if self.is_refused:
            return
        self.quiet_s += seconds
        self.unread_s = self.unread_s + seconds if self.flow.write_paused else 0.0
        if self.unread_s > WRITE_S:
            self.transport.abort()
        elif self.is_answering:
            self.wait_for_body(seconds)
        elif self.head_bytes and self.quiet_s >= HEAD_S:
            self.refuse(RequestStalled())
        elif self.quiet_s >= (HEAD_S if self.cycle is None else KEEP_ALIVE_S):
            self.transport.close()

    def wait_for_body(self, seconds: float) -> None:
        """Take a second from the patience with a body that has not come whole."""
        if self.is_in_head or not self.cycle.more_body or self.flow.read_paused:
            return
        self.patience_s -= seconds
        limit_s = BODY_S - IMPORT_S if self.url.startswith(OWN_DEADLINE) else 0
        if self.patience_s <= limit_s:
            self.refuse(RequestStalled())

    def is_slow(self) -> bool:
        """Return whether a body keeps the server waiting."""
        return self.is_answering and not self.is_in_head and self.patience_s < BODY_S - 1 and self.cycle.more_body

    def stall(self) -> None:
        """Refuse a body that is among the slowest."""
        self.refuse(RequestStalled())

    def send_400_response(self, msg: str) -> None:
        """Refuse what cannot be parsed, in place of uvicorn's plain text."""
        self.refuse(self.refusal or MalformedRequest())

    def refuse(self, error: PalateError) -> None:
        """Answer with an error unless an answer has begun, and close as soon as the client can have read it."""
        self.is_refused = True
        self.open.waiting.pop(self, None)
        if self.is_answering:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
            if self.cycle.response_started or self.pipeline:
                self.transport.close()
                return
        self.transport.write(answer(error))
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self.loop.call_later(LINGER_S, self.transport.abort)

    def drop(self, data: bytes) -> None:
        """Read on a little after a refusal: to close on unread bytes would take the answer from the client."""
        self.dropped_bytes += len(data)
        if self.dropped_bytes > LINGER_BYTES:
            self.transport.abort()

    def shutdown(self) -> None:
        """Let the answer under way be the last; a connection that waits is closed."""
        if self.is_in_head and not self.is_answering and not self.is_refused:
            return  # a request is coming in: it is answered, too
        super().shutdown()


def pieces(data: bytes) -> Iterator[bytes]:
    """Cut bytes into pieces; most requests are one."""
    if len(data) <= PIECE_BYTES:
        yield data
        return
    for start in range(0, len(data), PIECE_BYTES):
        yield data[start : start + PIECE_BYTES]


def answer(error: PalateError) -> bytes:
    """Write a whole answer with an error."""
    body = orjson.dumps(problem_body(error))
    headers = {"content-type": MEDIA_TYPE, "content-length": str(len(body)), "connection": "close", **error.headers}
    lines = b"".join(f"{name.lower()}: {value}\r\n".encode() for name, value in headers.items())
    return STATUS_LINE[error.status] + lines + b"\r\n" + body
