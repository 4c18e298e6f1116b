"""Options as bytes: what differs from the plain ones, as compressed JSON."""

import zlib
from functools import lru_cache

from pydantic import TypeAdapter

from app.recommendations.request.options import Options
from app.recommendations.tokens.page_cursor import PLAIN_OPTIONS

MAX_BYTES = 64 * 1024 * 1024  # uncompressed: more than a request can say
OPTIONS = TypeAdapter(Options)


def encode_options(options: Options) -> bytes:
    """Write options; the plain ones as nothing."""
    return b"" if options is PLAIN_OPTIONS else compressed(options)


@lru_cache(1024)
def compressed(options: Options) -> bytes:
    """Write options that were made for one request."""
    return b"" if options == PLAIN_OPTIONS else zlib.compress(OPTIONS.dump_json(options, exclude_defaults=True), 9)


def decode_options(code: bytes) -> Options:
    """Read options back.

    Raises:
        ValueError: if they are not what `encode_options` gave.
    """
    if not code:
        return PLAIN_OPTIONS
    try:
        return OPTIONS.validate_json(zlib.decompressobj().decompress(code, MAX_BYTES))
    except zlib.error as wrong:
        raise ValueError(str(wrong)) from wrong
