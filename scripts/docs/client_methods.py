"""The methods of the Python client. Many are built when a client is made, so they are read from a living one."""

import inspect
import re
from collections.abc import Callable, Iterator
from typing import Any

from palate_client import Client

INNER = {"built", "outcome", "pause_s", "send"}  # what the methods themselves are made of
QUALIFIER = re.compile(r"\b(?:[a-z_]\w*\.)+(?=\w)|'")  # of a type: a reader knows where `Iterator` is from


def sections() -> str:
    """Return a section for each method: how it is called, and its docstring."""
    with Client("http://127.0.0.1") as client:
        return "\n\n".join(section(name, method) for name, method in methods(client))


def methods(client: Client) -> Iterator[tuple[str, Callable[..., Any]]]:
    """Return the public methods by name, in alphabetical order."""
    for name in dir(client):
        method = getattr(client, name)
        if callable(method) and not name.startswith("_") and name not in INNER:
            yield name, method


def section(name: str, method: Callable[..., Any]) -> str:
    """Return the section of a method."""
    docstring = re.sub(r"\n\n(\w+):\n", r"\n\n**\1:**\n\n", inspect.getdoc(method) or "")
    docstring = re.sub(r"^    (\w+): ", r"- `\1`: ", docstring, flags=re.MULTILINE)
    return f"### `{name}`\n\n```python\n{call(name, inspect.signature(method))}\n```\n\n{docstring}"


def call(name: str, signature: inspect.Signature) -> str:
    """Return how a method is called, with a parameter a line where there are many."""
    one_line = QUALIFIER.sub("", f"{name}{signature}").replace("= Ellipsis", "= ...").replace("NoneType", "None")
    if len(one_line) <= 88:
        return one_line
    parameters, returned = one_line.removeprefix(f"{name}(").rsplit(") -> ", 1)
    lines = re.split(r", (?![^\[]*\])", parameters)  # not at a comma inside of brackets
    return f"{name}(\n    " + ",\n    ".join(lines) + f",\n) -> {returned}"
