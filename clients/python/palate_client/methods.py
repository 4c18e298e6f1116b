"""Methods made from routes: what a route takes is what its method takes, in both clients."""

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from functools import wraps
from typing import Any, Generic, ParamSpec, Protocol, Self, TypeVar, overload

from palate_client.call import Call, Route
from palate_client.shown import shown

P = ParamSpec("P")
T = TypeVar("T")
Item = TypeVar("Item")
Client = TypeVar("Client")
Given = TypeVar("Given")


class Page(Protocol):
    """An answer that another may follow."""

    @property
    def next_cursor(self) -> str | None:
        """Names the page after this one; null on the last."""


PageT = TypeVar("PageT", bound=Page)


class Sender(Protocol):
    """A client that waits for its answers."""

    def send(self, call: Call[T], /) -> T:
        """Send a call and give its answer."""


class AsyncSender(Protocol):
    """A client whose answers are awaited."""

    async def send(self, call: Call[T], /) -> T:
        """Send a call and give its answer."""


def doc_of(route: Route[..., Any]) -> str:
    """Say what a call does."""
    return str(route.build.__doc__)


def doc_of_pages(route: Route[..., Any]) -> str:
    """Say what the calls for all pages do."""
    return doc_of(route).replace(
        ": one page.", ": all pages, each fetched when it is wanted; `limit` is the size of one."
    )


class FromRoute(ABC, Generic[P, Client, Given]):
    """A method that takes what its route takes."""

    def __init__(self, route: Route[P, Any], gives: Any, doc: str) -> None:
        self.route = route
        self.gives = gives
        self.__doc__ = doc

    def __set_name__(self, owner: type, name: str) -> None:
        """Look as a method of that name."""
        self.shown = shown(self.route.build, name, str(self.__doc__), self.gives)

    @overload
    def __get__(self, client: None, owner: type) -> Self: ...
    @overload
    def __get__(self, client: Client, owner: type) -> Callable[P, Given]: ...
    def __get__(self, client: Client | None, owner: type) -> Self | Callable[P, Given]:
        """Bind it to a client."""
        return self if client is None else wraps(self.shown)(self.bound(client))

    @abstractmethod
    def bound(self, client: Client) -> Callable[P, Given]:
        """Make the bound method."""


class Method(FromRoute[P, Sender, T]):
    """Sends one call and gives its answer."""

    def __init__(self, route: Route[P, T]) -> None:
        super().__init__(route, route.answer, doc_of(route))

    def bound(self, client: Sender) -> Callable[P, T]:
        """Make the bound method."""
        return lambda *args, **kwargs: client.send(self.route(*args, **kwargs))


class AsyncMethod(FromRoute[P, AsyncSender, Awaitable[T]]):
    """Sends one call and gives its answer to whoever awaits it."""

    def __init__(self, route: Route[P, T]) -> None:
        super().__init__(route, Awaitable[route.answer], doc_of(route))  # type: ignore[name-defined]

    def bound(self, client: AsyncSender) -> Callable[P, Awaitable[T]]:
        """Make the bound method."""
        return lambda *args, **kwargs: client.send(self.route(*args, **kwargs))


class Pages(FromRoute[P, Sender, Iterator[Item]]):
    """Gives what is on all pages, each fetched when it is wanted."""

    def __init__(self, route: Route[P, PageT], on_page: Callable[[PageT], Sequence[Item]]) -> None:
        super().__init__(route, Iterator, doc_of_pages(route))
        self.on_page = on_page

    def bound(self, client: Sender) -> Callable[P, Iterator[Item]]:
        """Make the bound method."""

        def method(*args: P.args, **kwargs: P.kwargs) -> Iterator[Item]:
            call = self.route(*args, **kwargs)
            while True:
                page = client.send(call)
                yield from self.on_page(page)
                if page.next_cursor is None:
                    return
                call = call.after(page.next_cursor)

        return method


class AsyncPages(FromRoute[P, AsyncSender, AsyncIterator[Item]]):
    """Gives what is on all pages, each fetched when it is wanted."""

    def __init__(self, route: Route[P, PageT], on_page: Callable[[PageT], Sequence[Item]]) -> None:
        super().__init__(route, AsyncIterator, doc_of_pages(route))
        self.on_page = on_page

    def bound(self, client: AsyncSender) -> Callable[P, AsyncIterator[Item]]:
        """Make the bound method."""

        async def method(*args: P.args, **kwargs: P.kwargs) -> AsyncIterator[Item]:
            call = self.route(*args, **kwargs)
            while True:
                page = await client.send(call)
                for item in self.on_page(page):
                    yield item
                if page.next_cursor is None:
                    return
                call = call.after(page.next_cursor)

        return method
