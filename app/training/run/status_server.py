"""The trainer's own small HTTP server: is it alive, can it work, its figures.

It runs in a thread, so that it answers while the event loop or a computation stands still, and says so.
"""

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from socketserver import ThreadingMixIn
from threading import Thread
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server
from wsgiref.types import StartResponse, WSGIEnvironment

import structlog
from prometheus_client import make_wsgi_app

from app.kit.errors import PalateError
from app.training.run.pulse import Pulse

log = structlog.get_logger()
CLIENT_TIMEOUT_S = 5


class PortUnusable(PalateError):
    """The trainer's port cannot be listened on."""


class StatusServer(ThreadingMixIn, WSGIServer):
    """Answers several callers at once."""

    daemon_threads = True


class QuietHandler(WSGIRequestHandler):
    """Writes no log lines, and waits for no caller for long."""

    timeout = CLIENT_TIMEOUT_S

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - as its parent has it
        """Write nothing."""


@contextmanager
def serve_status(pulse: Pulse, host: str, port: int | None) -> Iterator[int | None]:
    """Answer `/health/live`, `/health/ready` and `/metrics` at a port, if there is one; return it.

    Raises:
        PortUnusable: if it cannot be listened on.
    """
    if port is None:
        yield None
        return
    figures: Callable[[WSGIEnvironment, StartResponse], Iterable[bytes]] = make_wsgi_app(pulse.registry())

    def answer(environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        if path == "/metrics":
            return figures(environ, start)
        if path == "/health/live":
            return write(start, pulse.problem())
        if path == "/health/ready":
            return write(start, pulse.problem() or pulse.database_problem or pulse.disk_problem())
        return write(start, "there are /health/live, /health/ready and /metrics", HTTPStatus.NOT_FOUND)

    try:
        listening = make_server(host, port, answer, StatusServer, QuietHandler)
    except OSError as error:
        raise PortUnusable(f"PALATE_WORKER_PORT: {host}:{port} cannot be listened on: {error.strerror}.") from error
    with listening as server:
        thread = Thread(target=server.serve_forever, name="status", daemon=True)
        thread.start()
        log.info("status_served", host=host, port=server.server_port)
        try:
            yield server.server_port
        finally:
            server.shutdown()


def write(
    start: StartResponse, problem: str | None, status: HTTPStatus = HTTPStatus.SERVICE_UNAVAILABLE
) -> list[bytes]:
    """Answer 200, or what is wrong."""
    code = HTTPStatus.OK if problem is None else status
    start(f"{code.value} {code.phrase}", [("Content-Type", "application/json")])
    return [json.dumps({"status": "ok" if problem is None else "unavailable", "problem": problem}).encode()]
