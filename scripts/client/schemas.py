"""The schemas of the OpenAPI document as the client wants them: each with a name, and on its side of the wire."""

import json
import re
from collections.abc import Callable
from typing import Any

Schema = dict[str, Any]
REFERENCE = "#/components/schemas/"
NO_TYPE = {"title", "examples", "minLength", "maxLength", "minItems", "maxItems", "minimum", "maximum"}
NO_TYPE |= {"exclusiveMinimum", "exclusiveMaximum", "minProperties"}
CONDITIONS = {"if", "then", "else", "not", "dependentSchemas"}


def split(document: Schema) -> tuple[dict[str, Schema], dict[str, Schema]]:
    """Return the schemas that a caller sends, and those that come back, by their names."""
    bodies, named = hoist(document)
    sent = reachable(bodies, named)
    received = named.keys() - sent
    return share({name: named[name] for name in sorted(sent)}), {
        name: rewrite(named[name], tolerate) for name in sorted(received)
    }


def hoist(document: Schema) -> tuple[list[Schema], dict[str, Schema]]:
    """Return the request bodies, and all schemas by name; one written out where it is used is named by its title."""
    records: dict[str, Schema] = {}

    def refer(schema: Schema) -> Schema:
        if not (isinstance(schema.get("properties"), dict) and isinstance(schema.get("title"), str)):
            return prune(schema)
        records[schema["title"]] = prune(schema)
        return {"$ref": REFERENCE + schema["title"]}

    linked = rewrite(document, refer)
    operations = [operation for path in linked["paths"].values() for operation in path.values()]
    return [operation.get("requestBody", {}) for operation in operations], linked["components"]["schemas"] | records


def prune(schema: Schema) -> Schema:
    """Return a schema without what makes no type: titles, examples, limits, conditions. A field may be a `title`."""
    plain = {key: value for key, value in schema.items() if key not in CONDITIONS}
    return {key: value for key, value in plain.items() if key not in NO_TYPE or isinstance(value, dict)}


def rewrite(node: Any, rule: Callable[[Schema], Schema]) -> Any:
    """Return a document in which a rule has replaced every object, the inner ones first."""
    if isinstance(node, list):
        return [rewrite(each, rule) for each in node]
    return rule({key: rewrite(value, rule) for key, value in node.items()}) if isinstance(node, dict) else node


def reachable(schemas: Any, named: dict[str, Schema]) -> set[str]:
    """Return the names of everything that some schemas are made of."""
    found: set[str] = set()
    waiting = references(schemas)
    while waiting:
        name = waiting.pop()
        found.add(name)
        waiting |= references(named[name]) - found
    return found


def references(schema: Any) -> set[str]:
    """Return the names that a schema refers to."""
    return set(re.findall(REFERENCE + r"(\w+)", json.dumps(schema)))


def tolerate(schema: Schema) -> Schema:
    """Return a schema that a newer server may not break: any word where some are named."""
    words = [schema["const"]] if isinstance(schema.get("const"), str) else schema.get("enum", [])
    if schema.get("type") == "string" and words:
        alternatives = [{"type": "string", "enum": words}, {"type": "string"}]
        return {"anyOf": alternatives} | {key: schema[key] for key in ("description", "default") if key in schema}
    return schema


def share(sent: dict[str, Schema]) -> dict[str, Schema]:
    """Let the requests for recommendations inherit what they have in common, under the name `Asked`."""
    one, other = (sent[name]["properties"] for name in ("GuestRequest", "BatchRequest"))
    common = {name: field for name, field in one.items() if name in other}
    asked = {"type": "object", "properties": common, "description": "What every request for recommendations takes."}
    return {"Asked": asked} | {name: inherit(schema, common) for name, schema in sent.items()}


def inherit(schema: Schema, common: Schema) -> Schema:
    """Return a schema of its own fields beside the common ones, if it has those."""
    fields = schema.get("properties", {})
    if not common.keys() <= fields.keys():
        return schema
    own = {name: field for name, field in fields.items() if name not in common}
    return {
        "allOf": [{"$ref": REFERENCE + "Asked"}, schema | {"properties": own}],
        "description": schema["description"],
    }
