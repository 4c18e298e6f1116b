"""Which types the OpenAPI document has, and on which side of the wire each stands."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

Schema = dict[str, Any]
NOT_OURS = {"HTTPValidationError", "ValidationError"}  # FastAPI declares them; no answer of Palate's has their form
REFERENCE = "#/components/schemas/"
BY_TYPE = {"string": "str", "integer": "int", "number": "float", "boolean": "bool", "null": "None"}


@dataclass(frozen=True)
class Schemas:
    """The named schemas: those that a caller sends, and those that come back."""

    sent: dict[str, Schema]
    received: dict[str, Schema]

    @classmethod
    def of(cls, document: Schema) -> "Schemas":
        """Collect them; what is written out where it is used has a title, which is its name."""
        bodies, named = list(body_schemas(document)), document["components"]["schemas"]
        lines = list(line_schemas(document))
        inline = {each["title"]: each for each in walk([bodies, lines, named]) if is_record(each)}
        named = inline | named
        sent = reachable(bodies, named)
        names = sorted(named.keys() - NOT_OURS)
        return cls({n: named[n] for n in names if n in sent}, {n: named[n] for n in names if n not in sent})


def body_schemas(document: Schema) -> Iterator[Schema]:
    """Give the schema of every request body."""
    for operations in document["paths"].values():
        for operation in operations.values():
            for content in operation.get("requestBody", {}).get("content", {}).values():
                yield content.get("schema", {})


def line_schemas(document: Schema) -> Iterator[Schema]:
    """Give the schema of the lines of every answer that is one of lines."""
    for operations in document["paths"].values():
        for operation in operations.values():
            for answer in operation["responses"].values():
                for content in answer.get("content", {}).values():
                    yield content.get("itemSchema", {})


def is_record(schema: Schema) -> bool:
    """Tell whether a schema is an object of declared fields."""
    return isinstance(schema.get("properties"), dict) and isinstance(schema.get("title"), str)


def walk(schema: Any) -> Iterator[Schema]:
    """Give a schema and every schema written out within."""
    if isinstance(schema, dict):
        yield schema
        schema = list(schema.values())
    for inner in schema if isinstance(schema, list) else ():
        yield from walk(inner)


def reachable(schemas: list[Schema], named: dict[str, Schema]) -> set[str]:
    """Name everything that some schemas are made of."""
    found: set[str] = set()
    waiting = list(schemas)
    while waiting:
        for inner in walk(waiting.pop()):
            name = record_name(inner)
            if name and name not in found:
                found.add(name)
                waiting.append(named[name])
    return found


def record_name(schema: Schema) -> str:
    """Give the name of what a schema refers to or is; empty where it has none."""
    if "$ref" in schema:
        return str(schema["$ref"]).removeprefix(REFERENCE)
    return str(schema["title"]) if is_record(schema) else ""


def python_type(schema: Schema, sequence: str = "list", mapping: str = "dict") -> str:
    """Write a JSON schema as a Python type, with these words for arrays and objects."""
    if name := record_name(schema):
        return name
    if alternatives := schema.get("anyOf") or schema.get("oneOf"):
        return " | ".join(dict.fromkeys(python_type(each, sequence, mapping) for each in alternatives))
    if values := schema.get("enum") or ([schema["const"]] if "const" in schema else None):
        return f"Literal[{', '.join(map(repr, values))}]"
    kind = schema.get("type")
    if isinstance(kind, list):
        return " | ".join(BY_TYPE[each] for each in kind)
    if kind == "array":
        return f"{sequence}[{python_type(schema.get('items', {}), sequence, mapping)}]"
    if kind == "object":
        values = schema.get("additionalProperties")
        return f"{mapping}[str, {python_type(values, sequence, mapping) if isinstance(values, dict) else 'Any'}]"
    return "datetime" if schema.get("format") == "date-time" else BY_TYPE.get(str(kind), "Any")
