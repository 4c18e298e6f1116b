"""Methods made from routes: what a route takes is what its method takes, in both clients."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from functools import wraps
from typing import Any, Generic, ParamSpec, Protocol, Self, TypeVar, overload

from palate_client.call import Route
from palate_client.signatures import stand_in

P = ParamSpec("P")
Client = TypeVar("Client")
Result = TypeVar("Result")


class Page(Protocol):
    """An answer that another may follow."""

    @property
    def next_cursor(self) -> str | None:
        """Names the page after this one; null on the last."""


PageT = TypeVar("PageT", bound=Page)


def doc_of(route: Route[..., Any]) -> str:
    """Return what a call does."""
    return str(route.build.__doc__)


def doc_of_pages(route: Route[..., Any]) -> str:
    """Return what the calls for all pages do."""
    return doc_of(route).replace(
        ": one page.", ": all pages, each fetched when it is wanted; `limit` is the size of one."
    )


class RouteMethod(ABC, Generic[P, Client, Result]):
    """A method that takes what its route takes."""

    def __init__(self, route: Route[P, Any], result: Any, doc: str) -> None:
        self.route = route
        self.result = result
        self.__doc__ = doc

    def __set_name__(self, owner: type, name: str) -> None:
        """Take the name of the method."""
        self.stand_in = stand_in(self.route.build, name, str(self.__doc__), self.result)

    @overload
    def __get__(self, client: None, owner: type) -> Self: ...
    @overload
    def __get__(self, client: Client, owner: type) -> Callable[P, Result]: ...
    def __get__(self, client: Client | None, owner: type) -> Self | Callable[P, Result]:
        """Bind it to a client."""
        return self if client is None else wraps(self.stand_in)(self.bind(client))

    @abstractmethod
    def bind(self, client: Client) -> Callable[P, Result]:
        """Make the bound method."""
