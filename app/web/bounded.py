"""JSON bodies whose mistakes are too many to be listed: refused before a schema looks for each.

A schema reports every field that is wrong. For the largest body that would be 300,000, and the event loop would stand
still for seconds.
"""

from collections.abc import Callable, Coroutine
from typing import Any

import orjson
from fastapi import Request, Response
from fastapi.routing import APIRoute

from app.kit.errors import FieldProblem, InvalidRequest

MAX_VALUES = 120_000  # of one body: 1,000 items with 100 categories each have fewer
MAX_UNCHECKED_VALUES = 2_000  # so many mistakes are listed within milliseconds
MAX_WIDTH = 40  # fields of one object: no schema has as many


class BoundedRoute(APIRoute):
    """A route with a body that FastAPI parses."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return what checks the body, then answers."""
        answer = super().get_route_handler()
        if self.body_field is None:
            return answer

        async def check_and_answer(request: Request) -> Response:
            check_values(await request.body())
            return await answer(request)

        return check_and_answer


def count_values(body: bytes) -> int:
    """Count the values of a body, or rather its commas, of which text may hold more.

    Raises:
        InvalidRequest: if there are too many.
    """
    num_values = body.count(b",")
    if num_values > MAX_VALUES:
        detail = f"holds more than {MAX_VALUES:,} values: send fewer at a time"
        raise InvalidRequest(f"The body {detail}.", [FieldProblem("/", detail)])
    return num_values


def check_values(body: bytes) -> None:
    """Refuse a body with too many values, or with an object of too many fields.

    Raises:
        InvalidRequest: saying how many are allowed.
    """
    num_values = count_values(body)
    if num_values > MAX_UNCHECKED_VALUES:
        try:
            check_width(orjson.loads(body))
        except orjson.JSONDecodeError:
            return  # which is for FastAPI to say


def check_width(document: Any) -> None:
    """Refuse an object with too many fields, and a list of such objects.

    Raises:
        InvalidRequest: naming its first place.
    """
    unchecked: list[tuple[str, Any]] = [("", document)]
    while unchecked:
        place, value = unchecked.pop()
        if isinstance(value, dict) and len(value) > MAX_WIDTH:
            detail = f"has {len(value):,} fields: remove those that are not known here"
            raise InvalidRequest(f"{place or '/'}: {detail}.", [FieldProblem(place or "/", detail)])
        inside = value.items() if isinstance(value, dict) else enumerate(value)
        unchecked += [(f"{place}/{step}", each) for step, each in inside if isinstance(each, dict | list)]
