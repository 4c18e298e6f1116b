"""Opens a connection of asyncpg to an address, and says why there is none."""

import os
import random
import re
import socket
import ssl
from collections.abc import Mapping
from weakref import WeakSet

import asyncpg

from app.address import NO, PostgresAddress
from app.database.db_errors import POOLER
from app.kit.errors import DatabaseUnavailable

CONNECT_TIMEOUT_S = 5
COMMAND_TIMEOUT_S = 600
NEXT_HOST = (OSError, asyncpg.CannotConnectNowError, asyncpg.TargetServerAttributeNotMatched)
SERVER_SETTINGS = {"jit": "off"}
LASTING_SQLSTATES = ("0A", "22", "26000", "28", "3D", "42")  # what waiting does not mend
KEEPALIVES = {  # option of the socket, by libpq's parameter
    "keepalives_idle": socket.TCP_KEEPIDLE,
    "keepalives_interval": socket.TCP_KEEPINTVL,
    "keepalives_count": socket.TCP_KEEPCNT,
    "tcp_user_timeout": socket.TCP_USER_TIMEOUT,
}
KEPT_ALIVE = {  # seconds, but for the last in milliseconds; 0: the system's own
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 20_000,
}
POOLER_SAYS = (
    "startup parameter",
    "no such database",
    "no such user",
    "authentication failed",
)  # under the code of any other trouble


class Connector:
    """Opens connections, and remembers them, so that all of them can be cut.

    Args:
        address: of the database.
        settings: that each session starts with; those of the address win. Poolers take none.
    """

    def __init__(self, address: PostgresAddress, settings: Mapping[str, str] | None = None) -> None:
        self.address = address
        self._settings = settings or {}
        self._opened = WeakSet[asyncpg.Connection]()
        self._num_turns = 0  # of the hosts, so that one that is gone is not tried first each time

    async def connect(self) -> asyncpg.Connection:
        """Connect to the first host that answers, each for at most the time that the address allows.

        asyncpg has one time for all of them, so that a host that swallows packets would leave none for the next.

        Raises:
            DatabaseUnavailable: with the database's own reason.
        """
        hosts: list[tuple[str | None, int | None]] = list(self.address.hosts) or [(None, None)]
        if self.address.parameters.get("load_balance_hosts") == "random":
            random.shuffle(hosts)
        for turn in range(self._num_turns, self._num_turns + len(hosts)):
            try:
                connection = await connect_host(self.address, *hosts[turn % len(hosts)], self._settings)
            except DatabaseUnavailable as error:
                is_last = turn == self._num_turns + len(hosts) - 1
                if is_last or not isinstance(error.__cause__, NEXT_HOST):
                    raise
                continue
            self._num_turns = turn % len(hosts)
            self._opened.add(connection)
            return connection
        raise AssertionError("unreachable")

    def cut(self) -> None:
        """End every connection at once, whatever it waits for."""
        for connection in list(self._opened):
            connection.terminate()
        self._opened.clear()


async def connect_host(
    address: PostgresAddress, host: str | None, port: int | None, settings: Mapping[str, str]
) -> asyncpg.Connection:
    """Connect to one host, or to the one that asyncpg finds."""
    parameters = address.parameters
    seconds = float(parameters.get("connect_timeout") or os.environ.get("PGCONNECT_TIMEOUT") or CONNECT_TIMEOUT_S)
    try:
        connection = await asyncpg.connect(
            address.dsn,
            host=host,
            port=port or parameters.get("port"),
            user=address.user,
            password=address.password,
            database=address.database,
            timeout=seconds or None,
            command_timeout=COMMAND_TIMEOUT_S,
            server_settings=server_settings(address, settings),
            **({"statement_cache_size": 0} if address.is_pooled else {}),
        )
    except (OSError, ValueError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError) as error:
        hint = f"; {POOLER}" if "startup parameter" in str(error) and not address.is_pooled else ""
        cause = f"{place(host, port)}: {reason(error, seconds)}{hint}"
        raise DatabaseUnavailable(cause=cause, is_lasting=is_lasting(error), was_reached=False) from error
    keep_alive(connection, parameters)
    return connection


def server_settings(address: PostgresAddress, limits: Mapping[str, str]) -> dict[str, str]:
    """Return what a session starts with. Poolers take no more than a name."""
    parameters = address.parameters
    name = parameters.get("application_name") or os.environ.get("PGAPPNAME")
    settings = {"application_name": name or parameters.get("fallback_application_name") or "palate"}
    if not address.is_pooled:
        settings |= own_settings(address, {**SERVER_SETTINGS, **limits})
    if options := given_options(address):
        settings["options"] = options
    return settings


def own_settings(address: PostgresAddress, settings: Mapping[str, str]) -> dict[str, str]:
    """Return those settings that the options of the address leave to us: the server would let ours win."""
    options = given_options(address).replace("-", "_")
    return {name: value for name, value in settings.items() if not re.search(rf"(^|\s)_(c\s*|_){name}\s*=", options)}


def given_options(address: PostgresAddress) -> str:
    """Return the options of the address or of the environment."""
    return address.parameters.get("options") or os.environ.get("PGOPTIONS") or ""


def keep_alive(connection: asyncpg.Connection, parameters: Mapping[str, str]) -> None:
    """Let the system find out that a server is gone that says nothing, as libpq does."""
    link: socket.socket = connection._transport.get_extra_info("socket")  # asyncpg has no public way
    if link.family == socket.AF_UNIX or parameters.get("keepalives", "1") in NO:
        return
    link.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, option in KEEPALIVES.items():
        if value := int(parameters.get(name, KEPT_ALIVE[name])):
            link.setsockopt(socket.IPPROTO_TCP, option, value)


def place(host: str | None, port: int | None) -> str:
    """Return where a connection was tried."""
    return f"{host}:{port}" if host else os.environ.get("PGHOST", "localhost")


def reason(error: BaseException, seconds: float) -> str:
    """Return in one line why there is no connection."""
    if isinstance(error, TimeoutError):
        return f"no answer within {seconds:g} seconds"
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is refused: {error.verify_message} (sslrootcert names whom to trust)"
    if isinstance(error, ConnectionRefusedError):
        return "connection refused"
    text = " ".join((getattr(error, "strerror", None) or str(error)).split())
    return f"{text} Or set sslrootcert=system." if text.startswith("root certificate file") else text


def is_lasting(error: BaseException) -> bool:
    """Return whether waiting does not mend it: a name, a password, a certificate or a setting is wrong."""
    if isinstance(error, asyncpg.PostgresError):
        return (error.sqlstate or "").startswith(LASTING_SQLSTATES) or any(word in str(error) for word in POOLER_SAYS)
    if isinstance(error, socket.gaierror):
        return error.errno != socket.EAI_AGAIN
    if isinstance(error, ssl.SSLError | PermissionError | ValueError | asyncpg.ClientConfigurationError):
        return True
    return isinstance(error, ConnectionError) and "rejected SSL upgrade" in str(error)
