"""A small HTTP server that fails on purpose."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from time import monotonic, sleep
from typing import Any, NamedTuple

HANG_UP = object()  # close the connection without an answer


@dataclass(frozen=True)
class Answer:
    """What the server answers to one request."""

    status: int
    body: bytes = b"{}"
    headers: dict[str, str] = field(default_factory=dict)
    delay_s: float = 0


class SeenRequest(NamedTuple):
    """A request as it arrived."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    at_s: float


class Flaky(ThreadingHTTPServer):
    """Sends its answers one after another, the last one from then on, and records the requests."""

    def __init__(self, answers: list[Answer | object]) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers = answers
        self.seen: list[SeenRequest] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    """Sends the next answer of its server."""

    server: Flaky

    def answer(self) -> None:
        body = self.read_body()
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.server.seen.append(SeenRequest(self.command, self.path, headers, body, monotonic()))
        answer = self.server.answers[min(len(self.server.seen), len(self.server.answers)) - 1]
        if not isinstance(answer, Answer):
            self.close_connection = True
            return
        sleep(answer.delay_s)
        self.send_response(answer.status)
        for name, value in {"Content-Length": str(len(answer.body)), **answer.headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(answer.body)

    def read_body(self) -> bytes:
        """Read a body of a known length, or one that comes in chunks."""
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        body = b""
        while size := int(self.rfile.readline(), 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    do_GET = do_POST = do_PUT = do_DELETE = answer  # noqa: N815

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Log nothing."""


@contextmanager
def flaky(*answers: Answer | object) -> Iterator[Flaky]:
    """Run one."""
    with Flaky(list(answers)) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
