"""Tokens: records that callers keep for us, as URL-safe base64 of a check sum and MessagePack.

A record is a `msgspec.Struct` with ``array_like=True``. A field with a default may be added at its end: what was given
out before is still read. The check sum finds damage; whoever forges a token gains nothing by it.
"""

import zlib
from base64 import urlsafe_b64decode
from binascii import b2a_base64
from functools import lru_cache
from hashlib import blake2b
from struct import pack
from typing import Any, NamedTuple, TypeVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from app.recommendations.catalogue.index import NO_SLOTS, Slots

MAX_SLOTS = 10_000
MAX_PLAIN_SLOTS = 32  # so few are not worth compressing
PLAIN, COMPRESSED = b"\0", b"\1"
CHECK_BYTES = 8
URL_SAFE = bytes.maketrans(b"+/", b"-_")
Steps = NDArray[np.uint8]
Record = TypeVar("Record", bound=msgspec.Struct)


def encode(record: msgspec.Struct, purpose: bytes) -> str:
    """Return a record as a token, which only the same ``purpose`` accepts."""
    body = ENCODER.encode(record)
    text = b2a_base64(check_sum(purpose, body) + body, newline=False)
    return text.translate(URL_SAFE).rstrip(b"=").decode()


class Token(NamedTuple):
    """A token's two parts."""

    check: bytes
    body: bytes

    @classmethod
    def parse(cls, text: str) -> "Token":
        """Read the bytes that a text stands for.

        Raises:
            ValueError: if it stands for none.
        """
        whole = urlsafe_b64decode(text + "=" * (-len(text) % 4))
        return cls(whole[:CHECK_BYTES], whole[CHECK_BYTES:])

    def is_for(self, purpose: bytes) -> bool:
        """Return whether the token was made for a purpose, and is not damaged."""
        return check_sum(purpose, self.body) == self.check

    def decode(self, kind: type[Record]) -> Record:
        """Return the record; whoever can make a check sum may have written anything.

        Raises:
            ValueError: if it is none of this kind.
        """
        try:
            record: Record = decoder(kind).decode(self.body)
            return record
        except (msgspec.DecodeError, zlib.error) as error:
            raise ValueError(str(error)) from error


def check_sum(purpose: bytes, body: bytes) -> bytes:
    """Return what tells a token from a damaged one, and from those of other purposes."""
    return blake2b(purpose + body, digest_size=CHECK_BYTES).digest()


def _encode_array(array: Any) -> bytes:
    return array.tobytes() if array.dtype == np.uint8 else encode_slots(array.tolist()) if len(array) else b""


def _decode_array(kind: Any, data: Any) -> Any:
    if not isinstance(data, bytes):
        raise TypeError("an array is bytes")
    if kind == Steps:
        return np.frombuffer(data, np.uint8)
    return decode_slots(data) if data else NO_SLOTS


ENCODER = msgspec.msgpack.Encoder(enc_hook=_encode_array)


@lru_cache
def decoder(kind: type[Record]) -> msgspec.msgpack.Decoder[Record]:
    """Return what reads records of a kind."""
    return msgspec.msgpack.Decoder(kind, dec_hook=_decode_array)


def encode_slots(slots: list[int]) -> bytes:
    """Write slots; where there are many, the steps between them, byte by byte of all of them, compressed."""
    slots.sort()
    if len(slots) <= MAX_PLAIN_SLOTS:
        return PLAIN + pack(f"<{len(slots)}I", *slots)
    steps = np.diff(np.array(slots, "<u4"), prepend=np.uint32(0))
    return COMPRESSED + zlib.compress(steps.view(np.uint8).reshape(-1, 4).T.tobytes(), 9)


def decode_slots(data: bytes) -> Slots:
    """Read slots back, ascending.

    Raises:
        ValueError, zlib.error: if it is not what `encode_slots` returned.
    """
    kind, data = data[:1], data[1:]
    if kind == PLAIN:
        return np.frombuffer(data, "<u4").astype(np.int64)
    flat = zlib.decompressobj().decompress(data, 4 * MAX_SLOTS)
    steps = np.frombuffer(flat, np.uint8).reshape(4, -1).T.tobytes()
    return np.cumsum(np.frombuffer(steps, "<u4"), dtype=np.int64)
