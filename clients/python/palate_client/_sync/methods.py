# Generated from _async/methods.py by `python -m scripts.client`; do not edit.
"""The methods made from routes."""

from collections.abc import Callable, Iterator, Sequence
from typing import ParamSpec, Protocol, TypeVar

from palate_client.call import Call, Route
from palate_client.methods import PageT, RouteMethod, doc_of, doc_of_pages

P = ParamSpec("P")
T = TypeVar("T")
Item = TypeVar("Item")


class Sender(Protocol):
    """A client as its methods see it."""

    def send(self, call: Call[T], /) -> T:
        """Send a call and return its answer."""


class Method(RouteMethod[P, Sender, T]):
    """Sends one call and returns its answer."""

    def __init__(self, route: Route[P, T]) -> None:
        super().__init__(route, route.answer, doc_of(route))

    def bind(self, client: Sender) -> Callable[P, T]:
        """Make the bound method."""

        def method(*args: P.args, **kwargs: P.kwargs) -> T:
            answer: T = client.send(self.route(*args, **kwargs))
            return answer

        return method


class Pages(RouteMethod[P, Sender, Iterator[Item]]):
    """Yields what is on all pages, each fetched when it is wanted."""

    def __init__(self, route: Route[P, PageT], on_page: Callable[[PageT], Sequence[Item]]) -> None:
        super().__init__(route, Iterator, doc_of_pages(route))
        self.on_page = on_page

    def bind(self, client: Sender) -> Callable[P, Iterator[Item]]:
        """Make the bound method."""

        def method(*args: P.args, **kwargs: P.kwargs) -> Iterator[Item]:
            call = self.route(*args, **kwargs)
            while True:
                page = client.send(call)
                yield from self.on_page(page)
                if page.next_cursor is None:
                    return
                call = call.next_page(page.next_cursor)

        return method
