"""The body of a request, read by a thread beside the event loop: nothing is received before it is read."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import CancelledError, Future
from threading import Event
from typing import IO, cast

from app.kit.errors import BodyStalled
from app.transfer.problems import TransferProblem

READ_BYTES = 256 * 1024  # some 6,000 ratings: one short transaction
MAX_BUFFERED_BYTES = 4 * 1024 * 1024  # bytes that are looked at
LOOP_GONE_S = 70  # after which the event loop has stopped
SILENCE_S = 60  # how long a client may neither send nor read


class Body:
    """A body as a file: opened several times to look at its start, then once more, from the start, to read it all."""

    def __init__(self, data: Iterator[bytes], stop: Callable[[], None]) -> None:
        self._data = data
        self.stop = stop
        self._taken: deque[bytes] = deque()  # what was looked at
        self._is_looked_at = True

    def open(self) -> IO[bytes]:
        """Begin to read from the start."""
        return cast("IO[bytes]", Reader(self._look() if self._is_looked_at else self._read()))

    def begin(self) -> None:
        """Note that whoever opens it next reads it all."""
        self._is_looked_at = False

    def is_empty(self) -> bool:
        """Wait for the first bytes, and return whether there are none."""
        return not next(self._look(), b"")

    def _look(self) -> Iterator[bytes]:
        place = 0
        while place < len(self._taken) or self._take():
            yield self._taken[place]
            place += 1

    def _take(self) -> bool:
        if sum(map(len, self._taken)) > MAX_BUFFERED_BYTES:
            raise TransferProblem(
                f"the first {MAX_BUFFERED_BYTES:,} bytes hold no row: write one a line, and end lines with LF."
            )
        some = self._read_some()
        self._taken += [some] if some else []
        return bool(some)

    def _read(self) -> Iterator[bytes]:
        while some := self._taken.popleft() if self._taken else self._read_some():
            yield some

    def _read_some(self) -> bytes:
        parts, size = [], 0
        for data in self._data:
            parts.append(data)
            if (size := size + len(data)) >= READ_BYTES:
                break
        return b"".join(parts)


class Reader:
    """Pieces as a file, which gives fewer bytes than it is asked for, or more."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces

    def __enter__(self) -> "Reader":
        return self

    def __exit__(self, *_: object) -> None:
        """Leave the body open: the next reader goes on with it."""

    def read(self, _size: int = -1) -> bytes:
        """Return some bytes, none at the end."""
        return next(self._pieces, b"")


class Receiver:
    """Receives a body in an event loop, for a thread that reads it."""

    def __init__(self, chunks: AsyncIterator[bytes], loop: asyncio.AbstractEventLoop) -> None:
        self._chunks, self._loop = chunks, loop
        self._stopped = Event()
        self._receiving: Future[bytes | None] | None = None

    def pieces(self) -> Iterator[bytes]:
        """Yield what is received, in a thread.

        Raises:
            BodyStalled: if nothing comes for `SILENCE_S`, or what reads it does not want it any more.
            ClientDisconnect: if the client went away.
        """
        while not self._stopped.is_set():
            self._receiving = asyncio.run_coroutine_threadsafe(next_chunk(self._chunks), self._loop)
            if self._stopped.is_set():  # meanwhile
                self._receiving.cancel()
            try:
                data = self._receiving.result(LOOP_GONE_S)
            except CancelledError:
                break
            if data is None:
                return
            yield data
        raise BodyStalled()

    def stop(self) -> None:
        """End what reads it, from any thread, whether or not more comes."""
        self._stopped.set()
        if self._receiving is not None:
            self._receiving.cancel()


async def next_chunk(chunks: AsyncIterator[bytes]) -> bytes | None:
    """Receive some bytes, None at the end."""
    try:
        async with asyncio.timeout(SILENCE_S):
            return await anext(chunks, None)
    except TimeoutError:
        raise BodyStalled() from None
