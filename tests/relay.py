"""A TCP relay before a PostgreSQL server: cut it, and the database is away; mend it, and it is back."""

import asyncio
import socket
import threading
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import contextmanager, suppress
from typing import Any, Literal

from sqlalchemy import make_url

PATIENCE_S = 30
ENDING = b"SFATAL\0VFATAL\0C57P01\0Mterminating connection due to administrator command\0\0"


class Relay:
    """Listens on 127.0.0.1 and passes every byte on to the server. Runs in a thread of its own."""

    def __init__(self, database_url: str) -> None:
        self._upstream = make_url(database_url)
        # Bound but never listening: keeps the port ours while connections are refused.
        self._place = socket.socket()
        self._place.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        self._place.bind(("127.0.0.1", 0))
        self._port: int = self._place.getsockname()[1]
        self._server: asyncio.Server | None = None
        self._links = set[asyncio.Task[None]]()
        self._clients = set[asyncio.StreamWriter]()
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._lost_commits: str | None = None
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()

    @property
    def url(self) -> str:
        """The database's URL, by way of this relay."""
        relayed = self._upstream.set(host="127.0.0.1", port=self._port, query={})
        return relayed.render_as_string(hide_password=False)

    def mend(self) -> None:
        """Accept connections (again)."""
        self._run(self._listen())

    def cut(self) -> None:
        """Break every connection and refuse new ones."""
        self._run(self._break())

    def freeze(self) -> None:
        """Accept connections, and pass nothing on, as a server that was stopped."""
        self._loop.call_soon_threadsafe(self._flowing.clear)

    def thaw(self) -> None:
        """Pass everything on again."""
        self._loop.call_soon_threadsafe(self._flowing.set)

    def lose_commits(self, when: Literal["before", "after"] | None) -> None:
        """End a connection at COMMIT: before the server sees it, or after it has answered. None: no more."""
        self._lost_commits = when

    def announce_end(self) -> None:
        """Say on each connection that it ends, as a server does just before it closes it."""
        self._run(self._announce_end())

    def close(self) -> None:
        """Cut it for good."""
        self.cut()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        self._place.close()

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(PATIENCE_S)

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self._port, reuse_port=True)

    async def _announce_end(self) -> None:
        for client in self._clients:
            client.write(b"E" + (len(ENDING) + 4).to_bytes(4, "big") + ENDING)
            await drain(client)

    async def _break(self) -> None:
        if self._server is not None:
            self._server.close()
        links = list(self._links)
        for link in links:
            link.cancel()
        await asyncio.gather(*links, return_exceptions=True)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        link = asyncio.create_task(self._link(reader, writer))
        self._links.add(link)
        link.add_done_callback(self._links.discard)

    async def _link(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server_reader, server_writer = await self._connect()
        commit = asyncio.Event()
        self._clients.add(writer)
        try:
            await asyncio.gather(self._ask(reader, server_writer, commit), self._answer(server_reader, writer, commit))
        except ConnectionAbortedError:
            pass
        finally:
            self._clients.discard(writer)
            writer.transport.abort()
            server_writer.transport.abort()

    async def _ask(self, client: asyncio.StreamReader, server: asyncio.StreamWriter, commit: asyncio.Event) -> None:
        """Pass on what the client says until it ends, and end the server's side."""
        async for data in self._pieces(client):
            if b"COMMIT" in data and self._lost_commits == "before":
                raise ConnectionAbortedError
            if b"COMMIT" in data and self._lost_commits == "after":
                commit.set()
            server.write(data)
            await drain(server)
        server.close()

    async def _answer(self, server: asyncio.StreamReader, client: asyncio.StreamWriter, commit: asyncio.Event) -> None:
        """Pass on what the server says until it ends, and end the client's side."""
        async for data in self._pieces(server):
            if commit.is_set():
                raise ConnectionAbortedError
            client.write(data)
            await drain(client)
        client.close()

    async def _pieces(self, reader: asyncio.StreamReader) -> AsyncIterator[bytes]:
        with suppress(OSError):
            while data := await reader.read(65_536):
                await self._flowing.wait()
                yield data

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        host, port = self._upstream.query.get("host", self._upstream.host), self._upstream.port or 5432
        if isinstance(host, str) and host.startswith("/"):
            return await asyncio.open_unix_connection(f"{host}/.s.PGSQL.{port}")
        return await asyncio.open_connection(host if isinstance(host, str) else "localhost", port)


async def drain(writer: asyncio.StreamWriter) -> None:
    """Wait until most of what was written is on its way; the end of the other side is for its reader to find."""
    with suppress(OSError):
        await writer.drain()


@contextmanager
def relay(database_url: str) -> Iterator[Relay]:
    """Open a relay before a PostgreSQL database."""
    opened = Relay(database_url)
    try:
        opened.mend()
        yield opened
    finally:
        opened.close()
