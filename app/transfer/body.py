"""The body of a request, read by a thread beside the event loop: nothing is received before it is read."""

import asyncio
import zlib
from collections import deque
from collections.abc import AsyncIterator, Iterator
from typing import IO, cast

from app.kit.errors import BodyStalled
from app.transfer.problems import TransferProblem

READ_BYTES = 256 * 1024  # some 6,000 ratings: one short transaction
MAX_BUFFERED_BYTES = 4 * 1024 * 1024  # bytes that wait for the second reader
LOOP_GONE_S = 70  # after which the event loop has stopped
SILENCE_S = 60  # how long a client may neither send nor read


class Body:
    """A body as a file that is opened twice: the second reader gets again what the first one took."""

    def __init__(self, data: Iterator[bytes]) -> None:
        self._data = data
        self._first = b""
        self._taken: deque[bytes] = deque()
        self._num_opened = self._num_taken = 0

    def open(self) -> IO[bytes]:
        """Begin to read."""
        self._num_opened += 1
        return cast("IO[bytes]", self)

    def __enter__(self) -> "Body":
        return self

    def __exit__(self, *_: object) -> None:
        """Leave the body open: the next reader goes on with it."""

    def read(self, _size: int = -1) -> bytes:
        """Return some bytes, fewer than a file would; none at the end."""
        if self._num_opened > 1:
            return self._taken.popleft() if self._taken else self._read_some()
        self._taken.append(self._read_some())
        self._num_taken += len(self._taken[-1])
        if self._num_taken > MAX_BUFFERED_BYTES:
            raise TransferProblem(
                f"the first {MAX_BUFFERED_BYTES:,} bytes hold no row: write one a line, and end lines with LF."
            )
        return self._taken[-1]

    def is_empty(self) -> bool:
        """Wait for the first bytes, and return whether there are none."""
        self._first = self._read_some()
        return not self._first

    def starts_with(self, mark: bytes) -> bool:
        """Return whether the first bytes, which have come, are these."""
        return self._first.startswith(mark)

    def _read_some(self) -> bytes:
        if self._first:
            first, self._first = self._first, b""
            return first
        parts, size = [], 0
        for data in self._data:
            parts.append(data)
            if (size := size + len(data)) >= READ_BYTES:
                break
        return b"".join(parts)


def receive(chunks: AsyncIterator[bytes], loop: asyncio.AbstractEventLoop) -> Iterator[bytes]:
    """Yield what an event loop receives, in a thread.

    Raises:
        BodyStalled: if nothing comes for `SILENCE_S`.
        ClientDisconnect: if the client went away.
    """
    while (data := asyncio.run_coroutine_threadsafe(next_chunk(chunks), loop).result(LOOP_GONE_S)) is not None:
        yield data


async def next_chunk(chunks: AsyncIterator[bytes]) -> bytes | None:
    """Receive some bytes, None at the end."""
    try:
        async with asyncio.timeout(SILENCE_S):
            return await anext(chunks, None)
    except TimeoutError:
        raise BodyStalled() from None


def gunzip(data: Iterator[bytes]) -> Iterator[bytes]:
    """Expand gzip, of one member or several, no more than `READ_BYTES` at a time.

    Raises:
        TransferProblem: if it is damaged or ends too early.
    """
    member = zlib.decompressobj(zlib.MAX_WBITS | 16)
    try:
        for chunk in data:
            while chunk:
                if member.eof:
                    member = zlib.decompressobj(zlib.MAX_WBITS | 16)
                yield member.decompress(chunk, READ_BYTES)
                chunk = member.unconsumed_tail or member.unused_data
        while rest := member.decompress(b"", READ_BYTES):
            yield rest
    except zlib.error as error:
        raise TransferProblem(f"the body is not valid gzip: {error}.") from None
    if not member.eof:
        raise TransferProblem("the body ends before its gzip does: send all of it.")
