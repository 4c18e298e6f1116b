"""How the body of an import is read, piece by piece. Only a piece of it is in memory at a time."""

from collections.abc import AsyncIterator

from palate_client.uploads import PIECE_BYTES, FileUpload, RowUpload, Upload, to_line
from palate_client.waiting import async_iterate, async_run_blocking


def async_pieces(upload: Upload) -> AsyncIterator[bytes]:
    """Read what an import sends."""
    return async_read(upload) if isinstance(upload, FileUpload) else async_write(upload)


async def async_read(upload: FileUpload) -> AsyncIterator[bytes]:
    """Read a file."""
    with upload.open() as file:
        while piece := await async_run_blocking(file.read, PIECE_BYTES):
            yield piece


async def async_write(upload: RowUpload) -> AsyncIterator[bytes]:
    """Write rows as NDJSON."""
    piece = bytearray()
    async for row in async_iterate(upload.begin()):
        piece += to_line(row)
        if len(piece) >= PIECE_BYTES:
            yield bytes(piece)
            piece.clear()
    yield bytes(piece)
