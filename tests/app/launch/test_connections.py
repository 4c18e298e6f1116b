"""What one client may send, hold and wait for; time passes when a test says so."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send

from app.launch.connections import BODY_S, HEAD_S, KEEP_ALIVE_S, MAX_PIPELINED, Connection
from app.launch.open_connections import EXTRA_CONNECTIONS, MAX_SLOW_BODIES, OpenConnections

HEAD = b"GET /items HTTP/1.1\r\nHost: localhost\r\n"
GET = HEAD + b"\r\n"
HALF_BODY = b"POST /items HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\nhalf"
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def answer_body_length(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer when the body has come whole."""
    size, more = 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        size, more = size + len(message["body"]), message["more_body"]
    body = str(size).encode()
    if scope["path"] == "/stream":
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"one, ", "more_body": True})
        await send({"type": "http.response.body", "body": b"two"})
        return
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(body))]})
    await send({"type": "http.response.body", "body": body})


class Listening:
    """A server of our connections."""

    def __init__(self, connections: OpenConnections, port: int) -> None:
        self.connections, self.port = connections, port
        self.clients: list[asyncio.StreamWriter] = []

    async def send(self, data: bytes) -> Streams:
        """Open a connection and send; the server has taken it in."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        self.clients.append(writer)
        writer.write(data)
        for _ in range(20):
            await asyncio.sleep(0.001)
        return reader, writer

    async def exchange(self, data: bytes) -> bytes:
        """Send, and return all that comes until the server closes."""
        reader, _ = await self.send(data)
        return await asyncio.wait_for(reader.read(), 20)

    async def close(self) -> None:
        """Close both ends of every connection."""
        for connection in list(self.connections.connections):
            connection.transport.abort()
        for writer in self.clients:
            writer.transport.abort()
        await asyncio.sleep(0.01)


def run(test: Callable[[Listening], Awaitable[None]], max_connections: int = 100) -> None:
    """Run a test of a server."""

    async def serve() -> None:
        config = uvicorn.Config(answer_body_length, http=Connection, lifespan="off", log_config=None, ws="none")
        connections = OpenConnections(max_connections)

        def connect() -> Connection:
            return Connection(config=config, server_state=connections, app_state={})

        server = await asyncio.get_running_loop().create_server(connect, "127.0.0.1", 0)
        listening = Listening(connections, server.sockets[0].getsockname()[1])
        try:
            await test(listening)
        finally:
            server.close()
            await listening.close()

    asyncio.run(serve())


def test_a_stream_for_http_1_0_has_no_chunks_and_ends_with_the_connection() -> None:
    async def check(listening: Listening) -> None:
        head, _, body = (await listening.exchange(b"GET /stream HTTP/1.0\r\n\r\n")).partition(b"\r\n\r\n")
        assert (b"transfer-encoding" in head, b"connection: close" in head, body) == (False, True, b"one, two")
        _, _, body = (await listening.exchange(b"GET /items HTTP/1.0\r\n\r\n")).partition(b"\r\n\r\n")
        assert body == b"0"
        end = GET.replace(b"/items", b"/stream").replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
        head, _, body = (await listening.exchange(end)).partition(b"\r\n\r\n")
        assert (b"transfer-encoding: chunked" in head, body) == (True, b"5\r\none, \r\n3\r\ntwo\r\n0\r\n\r\n")

    run(check)


def problem(answer: bytes) -> tuple[int, str]:
    """Return the status and the code of an answer that is a problem."""
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"application/problem+json" in head
    assert b"connection: close" in head
    document: dict[str, Any] = json.loads(body)
    return int(head.split()[1]), document["type"]


@pytest.mark.parametrize(
    ("data", "refused"),
    [
        (HEAD + b"X-Large: " + b"a" * 90_000, (431, "/problems/headers-too-large")),
        (HEAD + b"X-Large: " + b"a" * 66_000 + b"\r\n\r\n", (431, "/problems/headers-too-large")),
        (HEAD + b"X: 1\r\n" * 100 + b"\r\n", (431, "/problems/headers-too-large")),
        (b"GET /" + b"a" * 90_000, (414, "/problems/address-too-long")),
        (b"GET /?" + b"a" * 33_000 + b" HTTP/1.1\r\n\r\n", (414, "/problems/address-too-long")),
        (b"GET / HTTP/9.9\r\n\r\n", (400, "/problems/malformed-request")),
        (b"\x16\x03\x01\x02\x00\x01\x00", (400, "/problems/malformed-request")),
    ],
)
def test_a_head_that_is_too_large_or_none_is_refused(data: bytes, refused: tuple[int, str]) -> None:
    async def test(listening: Listening) -> None:
        assert problem(await listening.exchange(data)) == refused

    run(test)


def test_headers_below_the_bound_are_answered() -> None:
    async def test(listening: Listening) -> None:
        data = HEAD + b"Connection: close\r\nX-Large: " + b"a" * 60_000 + b"\r\n\r\n"
        assert (await listening.exchange(data)).startswith(b"HTTP/1.1 200")

    run(test)


def test_trailers_without_an_end_close_the_connection() -> None:
    async def test(listening: Listening) -> None:
        chunked = b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nX-Trailer: "
        assert problem(await listening.exchange(chunked + b"a" * 200_000))[0] == 431

    run(test)


@pytest.mark.parametrize(
    ("data", "seconds", "refused"),
    [
        (b"GET /it", HEAD_S, (408, "/problems/request-stalled")),
        (HALF_BODY, BODY_S, (408, "/problems/request-stalled")),
        (b"", HEAD_S, None),
        (GET, KEEP_ALIVE_S, None),
    ],
)
def test_a_client_that_keeps_the_server_waiting_is_sent_away(
    data: bytes, seconds: int, refused: tuple[int, str] | None
) -> None:
    async def test(listening: Listening) -> None:
        reader, _ = await listening.send(data)
        listening.connections.pass_time(seconds - 1)
        assert not reader.at_eof()
        assert len(listening.connections.connections) == 1
        listening.connections.pass_time(1)
        answer = await reader.read()
        if refused:
            assert problem(answer) == refused
        else:
            assert answer == b"" or answer.startswith(b"HTTP/1.1 200")

    run(test)


def test_a_body_that_keeps_coming_has_its_time() -> None:
    async def test(listening: Listening) -> None:
        reader, writer = await listening.send(b"POST / HTTP/1.1\r\nConnection: close\r\nContent-Length: 30000\r\n\r\n")
        for _ in range(3):
            listening.connections.pass_time(BODY_S - 1)
            writer.write(b"a" * 10_000)
            await asyncio.sleep(0.02)
        assert (await reader.read()).endswith(b"30000")

    run(test)


def test_a_new_connection_takes_the_place_of_the_one_that_has_waited_longest() -> None:
    async def test(listening: Listening) -> None:
        silent = [await listening.send(b"GET /it") for _ in range(2)]
        reader, _ = await listening.send(GET)
        assert (await reader.readuntil(b"\r\n")).startswith(b"HTTP/1.1 200")
        assert await silent[0][0].read() == b""
        assert not silent[1][0].at_eof()

    run(test, max_connections=2)


def test_where_every_connection_is_busy_only_health_is_answered() -> None:
    async def test(listening: Listening) -> None:
        busy = [await listening.send(HALF_BODY) for _ in range(2)]
        assert problem(await listening.exchange(GET)) == (503, "/problems/connections-full")
        live = await listening.exchange(b"GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert live.startswith(b"HTTP/1.1 200")
        assert b"connection: close" in live
        busy += [await listening.send(HALF_BODY.replace(b"/items", b"/health/")) for _ in range(EXTRA_CONNECTIONS)]
        assert problem(await listening.exchange(b""))[0] == 503

    run(test, max_connections=2)


def test_of_too_many_slow_bodies_the_slowest_are_refused() -> None:
    async def test(listening: Listening) -> None:
        slow = [await listening.send(HALF_BODY) for _ in range(MAX_SLOW_BODIES + 2)]
        for _ in range(2):
            listening.connections.pass_time(1)
        await asyncio.sleep(0.05)
        assert sum(reader.at_eof() or bool(reader._buffer) for reader, _ in slow) == 2  # type: ignore[attr-defined]

    run(test)


def test_requests_in_a_row_are_bounded() -> None:
    async def test(listening: Listening) -> None:
        reader, _ = await listening.send(HALF_BODY + b"whole" + GET * (MAX_PIPELINED + 2))
        await asyncio.wait_for(reader.read(), 20)

    run(test)


def test_a_stopping_server_answers_and_closes() -> None:
    async def test(listening: Listening) -> None:
        reader, writer = await listening.send(b"")
        listening.connections.is_stopping = True
        writer.write(GET)
        answer = await asyncio.wait_for(reader.read(), 20)
        assert answer.startswith(b"HTTP/1.1 200")
        assert b"connection: close" in answer

    run(test)
