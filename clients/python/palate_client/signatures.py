"""The signature of a method that is made from a route, for `help`, notebooks and `inspect.signature`."""

import inspect
from collections.abc import Callable, Iterator
from inspect import Parameter, Signature
from keyword import iskeyword
from typing import Any, get_args


def stand_in(build: Callable[..., Any], name: str, doc: str, result: Any) -> Callable[..., None]:
    """Make a function with the name, the docstring and the signature of a method."""

    def method() -> None:
        """Stand for the method."""

    method.__name__ = method.__qualname__ = name
    method.__doc__ = doc
    method.__module__ = "palate_client"
    method.__signature__ = Signature(list(parameters(build)), return_annotation=result)  # type: ignore[attr-defined]
    return method


def parameters(build: Callable[..., Any]) -> Iterator[Parameter]:
    """Yield the parameters of a route, its options by name."""
    for parameter in inspect.signature(build).parameters.values():
        if parameter.kind is Parameter.VAR_KEYWORD:
            (options,) = get_args(parameter.annotation)
            yield from (option(name, kind) for name, kind in options.__annotations__.items() if not iskeyword(name))
        else:
            yield parameter


def option(name: str, kind: Any) -> Parameter:
    """Return an option as a parameter; what is left out is not sent."""
    text = getattr(kind, "__forward_arg__", kind)
    is_required = str(text).startswith("Required[")
    annotation = str(text).removeprefix("Required[").removesuffix("]") if is_required else text
    return Parameter(
        name, Parameter.KEYWORD_ONLY, default=Parameter.empty if is_required else ..., annotation=annotation
    )
