# Generated from _async/uploads.py by `python -m scripts.client`; do not edit.
"""How the body of an import is read, piece by piece. Only a piece of it is in memory at a time."""

from collections.abc import Iterator

from palate_client.uploads import PIECE_BYTES, FileUpload, RowUpload, Upload, to_line
from palate_client.waiting import iterate, run_blocking


def pieces(upload: Upload) -> Iterator[bytes]:
    """Read what an import sends."""
    return read(upload) if isinstance(upload, FileUpload) else write(upload)


def read(upload: FileUpload) -> Iterator[bytes]:
    """Read a file."""
    with upload.open() as file:
        while piece := run_blocking(file.read, PIECE_BYTES):
            yield piece


def write(upload: RowUpload) -> Iterator[bytes]:
    """Write rows as NDJSON."""
    piece = bytearray()
    for row in iterate(upload.begin()):
        piece += to_line(row)
        if len(piece) >= PIECE_BYTES:
            yield bytes(piece)
            piece.clear()
    yield bytes(piece)
