"""One call of the API: its route, what it sends, what it answers. Nothing here does input or output."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, update_wrapper
from typing import Any, Generic, ParamSpec, TypeVar
from urllib.parse import quote

from pydantic import TypeAdapter
from pydantic_core import to_json, to_jsonable_python

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True)
class Payload:
    """What one call sends: the ids of its path in their order, its query, its body."""

    ids: tuple[str | int, ...] = ()
    query: Mapping[str, Any] = field(default_factory=dict)
    body: Any = None


def payload(*ids: str | int, body: Any = None, **query: Any) -> Payload:
    """Return what a call sends; a parameter that is None is left out of the query."""
    return Payload(ids, query, body)


@dataclass(frozen=True)
class Call(Generic[T]):
    """One call, ready to be sent."""

    route: "Route[Any, T]"
    payload: Payload

    @property
    def path(self) -> str:
        """The path, with every character of an id that means something in one percent-encoded."""
        ids = map(encode_segment, self.payload.ids)
        return re.sub(r"\{\w+\}", lambda _: next(ids), self.route.path)

    @property
    def query(self) -> tuple[tuple[str, str], ...]:
        """The query; lists repeat their name."""
        return tuple(
            (name, encode_value(each))
            for name, value in self.payload.query.items()
            if value is not None
            for each in ([value] if isinstance(value, str) or not isinstance(value, Sequence) else value)
        )

    @property
    def content(self) -> bytes | None:
        """The body as JSON."""
        return None if self.payload.body is None else to_json(self.payload.body)

    def next_page(self, cursor: str) -> "Call[T]":
        """Return the call for the next page: the cursor goes into the body where there is one."""
        if self.payload.body is None:
            return replace(self, payload=replace(self.payload, query={**self.payload.query, "cursor": cursor}))
        return replace(self, payload=replace(self.payload, body={**self.payload.body, "cursor": cursor}))


class Route(Generic[P, T]):
    """One route of the API. Called with its arguments, it returns a call."""

    def __init__(
        self,
        method: str,
        path: str,
        answer: type[T],
        *,
        build: Callable[P, Payload],
        is_repeatable: bool,
        is_keyed: bool = False,
    ) -> None:
        self.method = method
        self.path = path
        self.answer = answer
        self.is_repeatable = is_repeatable  # sent twice it does what it does once
        self.is_keyed = is_keyed  # sent with an Idempotency-Key, which makes it so
        self.build = build
        update_wrapper(self, build)

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> Call[T]:
        """Return one call."""
        return Call(self, self.build(*args, **kwargs))

    @cached_property
    def adapter(self) -> TypeAdapter[T]:
        """Reads an answer."""
        return TypeAdapter(self.answer)


def route(
    method: str, path: str, answer: type[T], *, is_repeatable: bool | None = None, is_keyed: bool = False
) -> Callable[[Callable[P, Payload]], Route[P, T]]:
    """Make a route of a function that returns what it sends; those with a key and all but POST are repeatable."""
    repeatable = is_keyed or (method != "POST" if is_repeatable is None else is_repeatable)
    return lambda build: Route(method, path, answer, build=build, is_repeatable=repeatable, is_keyed=is_keyed)


def encode_segment(part: str | int) -> str:
    """Return an id as a segment of a path, percent-encoded. Dots too: `..` would lead elsewhere."""
    return quote(str(part), safe="").replace(".", "%2E")


def encode_value(value: Any) -> str:
    """Return a value of a query: text as it is, all else as JSON."""
    plain = to_jsonable_python(value)
    return plain if isinstance(plain, str) else json.dumps(plain)
