"""The two files of types: what a caller sends, and what comes back."""

import re
import sys
import textwrap
from collections.abc import Iterator
from keyword import iskeyword
from pathlib import Path
from subprocess import run

from app.main import create_app
from app.settings import Settings
from scripts.client.schemas import Schema, Schemas, python_type

PACKAGE = Path(__file__).parents[2] / "clients/python/palate_client"
WIDTH = 112
INPUTS = '''"""What calls take: written by `python -m scripts.client` from the OpenAPI document, not by hand.

Plain dictionaries with declared keys. A time is a `datetime` with a zone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Literal, Required

from typing_extensions import TypedDict  # pydantic wants this one on Python 3.11
'''
ANSWERS = '''"""What calls answer: written by `python -m scripts.client` from the OpenAPI document, not by hand.

What a newer server adds does no harm: an unknown field is passed over, an unknown word is kept as it is.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from palate_client.inputs import {imported}


class Received(BaseModel):
    """What came back; it does not change."""

    model_config = ConfigDict(frozen=True)
'''


def type_files() -> dict[str, str]:
    """Write both files."""
    schemas = Schemas.of(create_app(Settings(_env_file=None)).openapi())
    asked = in_both(schemas.sent["GuestRequest"], schemas.sent["BatchRequest"])
    sent = {"Asked": asked} | {name: without(schema, asked) for name, schema in schemas.sent.items()}
    inputs = [typed_dict(name, schema) for name, schema in sent.items()]
    answers = [model(name, schema) for name, schema in schemas.received.items()]
    imported = sorted(name for name in sent if any(re.search(rf"\b{name}\b", answer) for answer in answers))
    header = ANSWERS.format(imported=", ".join(imported))
    return {"inputs.py": formatted([INPUTS, *inputs]), "answers.py": formatted([header, *answers])}


def in_both(one: Schema, other: Schema) -> Schema:
    """Give the fields that two requests have in common: what every request for recommendations takes."""
    fields = {name: field for name, field in one["properties"].items() if name in other["properties"]}
    return {"properties": fields, "description": "What every request for recommendations takes."}


def without(schema: Schema, asked: Schema) -> Schema:
    """Take out the common fields of a request for recommendations, which it inherits then."""
    fields = schema.get("properties", {})
    if not asked["properties"].keys() <= fields.keys():
        return schema
    own = {name: field for name, field in fields.items() if name not in asked["properties"]}
    return schema | {"properties": own, "base": "Asked"}


def typed_dict(name: str, schema: Schema) -> str:
    """Write what a caller sends: keys may be left out unless they are required."""
    if "properties" not in schema:
        return alias(name, schema, "")
    required = set(schema.get("required", ()))
    fields = {field: input_type(field, inner, required) for field, inner in schema["properties"].items()}
    if any(map(iskeyword, fields)):
        entries = ", ".join(f"{field!r}: {kind!r}" for field, kind in fields.items())
        return f"{name} = TypedDict({name!r}, {{{entries}}}, total=False)\n{docstring(schema)}"
    return "\n".join([f"class {name}({schema.get('base', 'TypedDict')}, total=False):", *body(schema, fields)])


def input_type(name: str, schema: Schema, required: set[str]) -> str:
    """Write the type of a key."""
    kind = python_type(schema, "Sequence", "Mapping")
    return f"Required[{kind}]" if name in required else kind


def model(name: str, schema: Schema) -> str:
    """Write what comes back."""
    if "properties" not in schema:
        return alias(name, schema, " | str" if schema.get("type") == "string" else "")
    required = set(schema.get("required", ()))
    fields = {field: answer_type(field, inner, required) for field, inner in schema["properties"].items()}
    return "\n".join([f"class {name}(Received):", *body(schema, fields)])


def answer_type(name: str, schema: Schema, required: set[str]) -> str:
    """Write the type of a field, and its default if an answer may lack it."""
    kind = python_type(schema)
    if kind.startswith("Literal['"):
        kind += " | str"
    if name in required:
        return kind
    return f"{kind} = {schema['default']!r}" if "default" in schema else f"{kind.removesuffix(' | None')} | None = None"


def alias(name: str, schema: Schema, more: str) -> str:
    """Write a list of words that has a name."""
    return f"{name} = {python_type(schema)}{more}\n{docstring(schema)}"


def docstring(schema: Schema) -> str:
    """Write what a type is for."""
    return f'"""{schema.get("description") or schema["title"]}"""'


def body(schema: Schema, fields: dict[str, str]) -> Iterator[str]:
    """Write the inside of a class, each field below what it means."""
    yield textwrap.indent(docstring(schema), "    ")
    yield ""
    for name, kind in fields.items():
        for line in textwrap.wrap(schema["properties"][name].get("description", ""), WIDTH):
            yield f"    # {line}"
        yield f"    {name}: {kind}"


def formatted(parts: list[str]) -> str:
    """Join the parts of a file as our formatter would."""
    command = [sys.executable, "-m", "ruff", "format", "--config", str(PACKAGE.parents[2] / "pyproject.toml"), "-"]
    text = "\n\n\n".join(parts) + "\n"
    return run(command, input=text, capture_output=True, text=True, check=True).stdout  # noqa: S603
