"""JSON written as it is: validating our own answers costs more than making them (docs/decisions)."""

from typing import Any

import orjson
from fastapi import Response


class JSONAnswer(Response):
    """An answer of dicts, lists, numbers, enums and moments, which are written in UTC."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        """Write an answer."""
        return orjson.dumps(content, option=orjson.OPT_UTC_Z)
