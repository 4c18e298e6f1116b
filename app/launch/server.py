"""uvicorn's server, which watches its connections, and which stops in an order that no caller notices."""

import asyncio
import math
import os
import select
import socket
import threading
from collections.abc import Sequence

import structlog
import uvicorn
from fastapi import FastAPI

from app.launch.open_connections import OpenConnections

TICKS_PER_S = 10  # of uvicorn's main loop
STOP_S = 6.0  # in which a server has stopped, its delay included
MIN_DRAIN_S = 1.0  # that requests in progress have after the delay
ARRIVAL_S = 0.2  # in which the request of a connection just accepted arrives
CLOSE_S = 1.0  # for what is left, before the process ends however it stands
log = structlog.get_logger()


class Server(uvicorn.Server):
    """A server of one app.

    Args:
        delay_s: for which a stopping server goes on to answer, while readiness sends callers elsewhere.
        max_connections: at a time.
    """

    def __init__(self, config: uvicorn.Config, app: FastAPI, *, delay_s: float, max_connections: int) -> None:
        super().__init__(config)
        self.app, self.delay_s = app, delay_s
        self.server_state = self.open = OpenConnections(max_connections)
        self.drain_s = max(MIN_DRAIN_S, STOP_S - delay_s)

    async def on_tick(self, counter: int) -> bool:
        """Look at the connections once a second."""
        if counter % TICKS_PER_S == 0 and counter:
            self.open.pass_time(1.0)
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop: readiness fails and streams end, then nothing new is accepted, then what has begun is answered."""
        end_for_certain(self.delay_s + self.drain_s + CLOSE_S)
        log.info("stopping", delay_s=self.delay_s, requests=len(self.open.tasks))
        self.open.is_stopping = True
        self.app.state.stopping.set()
        await self.serve_on(self.delay_s)
        await empty_backlog(sockets or [])
        for server in self.servers:
            server.close()
        await asyncio.sleep(ARRIVAL_S)
        self.config.timeout_graceful_shutdown = math.ceil(self.drain_s)
        await super().shutdown(sockets)

    async def serve_on(self, seconds: float) -> None:
        """Go on for a while, as long as no second signal comes."""
        for _ in range(round(seconds * TICKS_PER_S)):
            if len(self._captured_signals) > 1:
                return
            await asyncio.sleep(1 / TICKS_PER_S)


async def empty_backlog(listeners: Sequence[socket.socket]) -> None:
    """Accept all that have connected: closing the listener would reset those who still wait to be accepted."""
    while listeners and select.select(listeners, [], [], 0)[0]:  # noqa: ASYNC110 - the event loop accepts meanwhile
        await asyncio.sleep(0)


def end_for_certain(seconds: float) -> None:
    """End this process after a time, even where a database or a thread holds it up."""
    timer = threading.Timer(seconds, end_at_once)
    timer.daemon = True
    timer.start()


def end_at_once() -> None:
    """End this process as it is; what is not stored was not acknowledged."""
    log.error("stopped without waiting any longer")
    os._exit(1)
