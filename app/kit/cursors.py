"""Cursors: where a page ended, opaque to the caller, of use to one route only."""

from base64 import urlsafe_b64decode, urlsafe_b64encode

from app.kit.errors import FieldProblem, InvalidCursor

MAX_POSITION = 2**57  # longer than any list; databases can count to it, and as microseconds it is a date


def encode_cursor(route: str, position: int) -> str:
    """Encode a position of a route's list."""
    return urlsafe_b64encode(f"{route}:{position}".encode()).decode().rstrip("=")


def decode_cursor(route: str, cursor: str | None) -> int | None:
    """Decode a position; None without a cursor: the start.

    Raises:
        InvalidCursor: if this route did not make it.
    """
    if cursor is None:
        return None
    try:
        made_by, position = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode().split(":")
        if made_by == route and 0 <= int(position) <= MAX_POSITION:
            return int(position)
    except ValueError:
        pass
    raise InvalidCursor(fields=[FieldProblem("cursor", "take `next_cursor` of a former answer, or leave it out")])
