"""Bytes as they come to UTF-8 text: decompressed, from UTF-16, quotes after a backslash doubled."""

import bz2
import codecs
import gzip
import io
import lzma
import re
import zlib
from collections.abc import Callable, Generator, Iterator
from typing import IO, Any, cast

from app.transfer.problems import TransferProblem

PIECE_BYTES = 256 * 1024
BROKEN = (OSError, EOFError, zlib.error, lzma.LZMAError, ValueError)


def open_zstd(stream: IO[bytes]) -> IO[bytes]:
    """Expand zstd."""
    import pyarrow as pa

    return cast("IO[bytes]", pa.CompressedInputStream(stream, "zstd"))


CODECS: dict[str, tuple[bytes, Callable[[Any], Any]]] = {
    "gzip": (b"\x1f\x8b", lambda stream: gzip.GzipFile(fileobj=stream, mode="rb")),
    "bzip2": (b"BZh", bz2.BZ2File),
    "xz": (b"\xfd7zXZ\x00", lzma.LZMAFile),
    "zstd": (b"\x28\xb5\x2f\xfd", open_zstd),
}


class Pieces(io.RawIOBase):
    """Pieces of bytes as a file."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._rest = b""

    def close(self) -> None:
        """Close what the pieces come from."""
        if isinstance(self._pieces, Generator):
            self._pieces.close()
        super().close()

    def readable(self) -> bool:
        """Return that it can be read."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill the buffer with what there is."""
        if not self._rest:
            self._rest = next(self._pieces, b"")
        size = min(len(buffer), len(self._rest))
        buffer[:size], self._rest = self._rest[:size], self._rest[size:]
        return size


def codec_of(head: bytes) -> str | None:
    """Return what bytes are compressed with, by their start."""
    return next((name for name, (mark, _) in CODECS.items() if head.startswith(mark)), None)


def expand(pieces: Iterator[bytes], name: str, codec: str | None = None) -> Iterator[bytes]:
    """Expand what is compressed, no more than `PIECE_BYTES` at a time; anything else comes as it is.

    Raises:
        TransferProblem: if it is damaged or ends too early.
    """
    first = next(pieces, b"")
    while 0 < len(first) < 6 and (more := next(pieces, b"")):
        first += more
    codec = codec or codec_of(first)
    if codec is None:
        yield from chain(first, pieces)
        return
    if not first:
        raise TransferProblem(f"{name} ends before its {codec} does: send all of it.")
    stream = CODECS[codec][1](io.BufferedReader(Pieces(chain(first, pieces))))
    while data := read_piece(stream, name, codec):
        yield data


def read_piece(stream: IO[bytes], name: str, codec: str) -> bytes:
    """Read some expanded bytes."""
    try:
        return stream.read(PIECE_BYTES)
    except EOFError:
        raise TransferProblem(f"{name} ends before its {codec} does: send all of it.") from None
    except BROKEN as error:
        if isinstance(error, TransferProblem):
            raise
        raise TransferProblem(f"{name} is not valid {codec}: {error}.") from None


def chain(first: bytes, pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Return the first piece and the others."""
    if first:
        yield first
    yield from pieces


def decode_utf16(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Turn UTF-16 into UTF-8, known by its byte order mark or by every other byte being zero."""
    first = next(pieces, b"")
    encoding = utf16_of(first)
    if encoding is None:
        yield from chain(first, pieces)
        return
    decoder = codecs.getincrementaldecoder(encoding)("replace")
    for piece in chain(first, pieces):
        yield decoder.decode(piece).encode()


def utf16_of(head: bytes) -> str | None:
    """Return which UTF-16 bytes are, None if they are not."""
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    sample = head[:200]
    if len(sample) < 8:
        return None
    even, odd = sample[::2].count(0) * 4, sample[1::2].count(0) * 4
    if odd > len(sample) and not even:
        return "utf-16-le"
    return "utf-16-be" if even > len(sample) and not odd else None


has_escape = re.compile(rb'[^\\]\\"[^",;|\t\r\n]').search
is_at_cell_end = re.compile(rb'\\+"?\Z').search


def double_escaped_quotes(pieces: Iterator[bytes]) -> Iterator[bytes]:
    r"""Write `\"` as `""` from the first one on that a cell goes on after, as MySQL and Book-Crossing write it."""
    rest, is_escaped = b"", False
    for piece in pieces:
        data = rest + piece
        if b"\\" not in data:
            yield data
            rest = b""
            continue
        cut = is_at_cell_end(data, max(0, len(data) - 1_000))
        data, rest = (data[: cut.start()], data[cut.start() :]) if cut else (data, b"")
        is_escaped = is_escaped or bool(has_escape(data))
        yield unescape(data) if is_escaped else data
    if rest:
        yield unescape(rest) if is_escaped else rest


def unescape(data: bytes) -> bytes:
    """Write quotes and backslashes after a backslash as CSV does."""
    return re.sub(rb'\\(["\\])', lambda match: b'""' if match[1] == b'"' else b"\\", data)
