"""The methods made from routes."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import ParamSpec, Protocol, TypeVar

from palate_client.call import Call, Route
from palate_client.methods import PageT, RouteMethod, doc_of, doc_of_pages

P = ParamSpec("P")
T = TypeVar("T")
Item = TypeVar("Item")


class AsyncSender(Protocol):
    """A client as its methods see it."""

    async def send(self, call: Call[T], /) -> T:
        """Send a call and return its answer."""


class AsyncMethod(RouteMethod[P, AsyncSender, Awaitable[T]]):
    """Sends one call and returns its answer."""

    def __init__(self, route: Route[P, T]) -> None:
        super().__init__(route, route.answer, doc_of(route))

    def bind(self, client: AsyncSender) -> Callable[P, Awaitable[T]]:
        """Make the bound method."""

        async def method(*args: P.args, **kwargs: P.kwargs) -> T:
            answer: T = await client.send(self.route(*args, **kwargs))
            return answer

        return method


class AsyncPages(RouteMethod[P, AsyncSender, AsyncIterator[Item]]):
    """Yields what is on all pages, each fetched when it is wanted."""

    def __init__(self, route: Route[P, PageT], on_page: Callable[[PageT], Sequence[Item]]) -> None:
        super().__init__(route, AsyncIterator, doc_of_pages(route))
        self.on_page = on_page

    def bind(self, client: AsyncSender) -> Callable[P, AsyncIterator[Item]]:
        """Make the bound method."""

        async def method(*args: P.args, **kwargs: P.kwargs) -> AsyncIterator[Item]:
            call = self.route(*args, **kwargs)
            while True:
                page = await client.send(call)
                for item in self.on_page(page):
                    yield item
                if page.next_cursor is None:
                    return
                call = call.next_page(page.next_cursor)

        return method
