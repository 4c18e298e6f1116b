"""A real uvicorn with the real app, in a thread: Playwright's loop has this one."""

import asyncio
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from threading import Thread
from typing import Any, TypeVar

import uvicorn

from app.database.engine import open_database
from app.keys import service
from app.keys.scopes import Scope
from app.launch.port import listen
from app.main import create_app
from app.settings import Settings
from tests.processes import wait_until

T = TypeVar("T")


def in_thread(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end on a loop of its own."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, work).result()


class Serving:
    """A server on a free port, from now on until it is stopped."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        listening = listen("127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        self.server = uvicorn.Server(
            uvicorn.Config(create_app(settings), log_config=None, access_log=False, ws="none", proxy_headers=False)
        )
        self.thread = Thread(target=self.server.run, kwargs={"sockets": [listening]})
        self.thread.start()
        wait_until(lambda: self.server.started, "the server listens")

    def make_key(self, *scopes: Scope) -> str:
        """Make a key; from the first on the server asks for one."""

        async def make() -> str:
            database = open_database(self.settings.database_url, 1)
            try:
                return (await database.write(service.create, "test", scopes)).secret
            finally:
                await database.close()

        return in_thread(make())

    def stop(self) -> None:
        """Stop it and wait for its end."""
        self.server.should_exit = True
        self.thread.join()
