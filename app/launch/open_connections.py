"""The connections of one server process: how many there may be, and which gives its place to another."""

import resource
from typing import TYPE_CHECKING, cast

import structlog
from uvicorn.server import ServerState

if TYPE_CHECKING:
    from app.launch.connections import Connection

RESERVED_FILES = 64  # for the database, models, imports and exports
MIN_CONNECTIONS = 16
EXTRA_CONNECTIONS = 16  # beyond the bound, for health checks
MAX_SLOW_BODIES = 64
REPORT_S = 10  # between two lines of the log about the same
log = structlog.get_logger()


class OpenConnections(ServerState):
    """uvicorn's record of a server's connections, with a bound.

    Args:
        max_connections: at a time.
    """

    def __init__(self, max_connections: int) -> None:
        super().__init__()
        self.max_connections = max_connections
        self.waiting: dict[Connection, None] = {}  # for a request, whoever has waited longest first
        self.is_stopping = False
        self.num_displaced = self.num_refused = 0
        self._unreported_s = float(REPORT_S)

    def admit(self, connection: "Connection") -> bool:
        """Take a new connection in, and return whether it may speak.

        Clients that hold connections and say nothing cost those who do the same, not those who call.
        """
        if len(self.connections) > self.max_connections:
            if longest := next(iter(self.waiting), None):
                self.num_displaced += 1
                self.forget(longest)
                longest.transport.abort()
            else:
                self.num_refused += 1
                connection.is_extra = True
        self.waiting[connection] = None
        return len(self.connections) <= self.max_connections + EXTRA_CONNECTIONS

    def forget(self, connection: "Connection") -> None:
        """Free the place of a connection."""
        self.waiting.pop(connection, None)
        self.connections.discard(connection)

    def pass_time(self, seconds: float) -> None:
        """Close the connections whose time is over, and those with the slowest bodies where there are too many."""
        connections = cast("set[Connection]", self.connections)
        for connection in list(connections):
            connection.pass_time(seconds)
        slow = [connection for connection in connections if connection.is_slow()]
        slow.sort(key=lambda connection: connection.patience_s)
        for connection in slow[: max(0, len(slow) - MAX_SLOW_BODIES)]:
            connection.stall()
        self._report(seconds)

    def _report(self, seconds: float) -> None:
        """Log that the bound was met, once in a while."""
        self._unreported_s += seconds
        if self._unreported_s < REPORT_S or not (self.num_displaced or self.num_refused):
            return
        log.warning(
            "as many connections as there may be",
            max_connections=self.max_connections,
            displaced=self.num_displaced,
            refused=self.num_refused,
        )
        self._unreported_s = self.num_displaced = self.num_refused = 0


def connections_within_files(wanted: int) -> int:
    """Raise this process's limit of open files as far as it may, and return how many connections fit below it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    if hard == resource.RLIM_INFINITY:
        return wanted
    return max(MIN_CONNECTIONS, min(wanted, hard - RESERVED_FILES - EXTRA_CONNECTIONS))
