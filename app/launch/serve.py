"""`palate serve`: the API, one process."""

import asyncio
import gc
import signal
import sys
from types import FrameType

import structlog
import uvicorn

from app.database.engine import check_access, open_database
from app.keys import repository
from app.keys.scopes import is_loopback
from app.kit import logs
from app.kit.errors import PalateError
from app.launch.connections import Connection
from app.launch.open_connections import connections_within_files
from app.launch.port import listen, port_problem
from app.launch.server import Server
from app.main import create_app
from app.settings import Settings

KEY_NEEDED = """\
palate: refused to start: {host} can be reached from other machines, and there is no key yet.
Make one with `palate keys create --name NAME --scope read --scope write`, or listen on 127.0.0.1 (PALATE_HOST)."""
log = structlog.get_logger()


def serve(settings: Settings) -> int:
    """Serve until SIGTERM or Ctrl-C, finish the requests in progress, and return the exit code."""
    logs.configure(settings)
    asyncio.run(check_access(settings.database_url))
    if not is_loopback(settings.host) and not asyncio.run(is_guarded(settings)):
        print(KEY_NEEDED.format(host=settings.host), file=sys.stderr)  # noqa: T201
        return 2
    try:
        listening = listen(settings.host, settings.port)
    except OSError as error:
        print(port_problem(settings, error), file=sys.stderr)  # noqa: T201
        return 1
    app = create_app(settings)
    config = uvicorn.Config(
        app,
        loop="uvloop",
        http=Connection,
        ws="none",
        access_log=False,
        log_config=None,
        server_header=False,
        proxy_headers=False,  # nothing depends on the client's address or scheme but whether a proxy is trusted
    )
    freeze_startup_objects()
    log.info("listening", host=settings.host, port=listening.getsockname()[1])
    max_connections = connections_within_files(settings.max_connections)
    server = Server(config, app, delay_s=settings.shutdown_delay.total_seconds(), max_connections=max_connections)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, exit_in_order)
    server.run(sockets=[listening])
    return 0 if server.started else 3


def freeze_startup_objects() -> None:
    """Exempt the objects that exist at the start from garbage collection.

    A full collection of garbage, which an export of many rows sets off, would look at 300,000 objects of modules and
    routes, and stop every answer for a quarter of a second.
    """
    gc.collect()
    gc.freeze()


def exit_in_order(number: int, _frame: FrameType | None) -> None:
    """Handle the signal that uvicorn raises again after it stopped in order, so that the exit code is 0."""
    log.info("stopped", signal=signal.Signals(number).name)


async def is_guarded(settings: Settings) -> bool:
    """Return whether a key was made. A lost database says neither: the server then starts, and stays closed."""
    database = open_database(settings.database_url, 1)
    try:
        return await database.read(repository.has_any)
    except PalateError as error:
        log.warning("keys could not be read", error=str(error))
        return True
    finally:
        await database.close()
