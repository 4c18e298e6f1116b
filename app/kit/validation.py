"""What pydantic refuses, in our words: which field, and how to correct it."""

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import ValidationError, ValidatorFunctionWrapHandler, WrapValidator

from app.kit.errors import FieldProblem, InvalidRequest
from app.kit.times import RFC3339
from app.settings import MAX_GUEST_RATINGS

MAX_FIELDS = 20  # an error names at most so many fields
BLOCK = 200  # rows of a long list whose mistakes are looked for together
TOO_DEEP = "is nested too deep: flatten it"  # parsers have limits of their own, some 200 levels
FIXES = {  # pydantic's words, where they do not say what to do
    "missing": "is missing: add it",
    "extra_forbidden": "is not known here: remove it",
    "json_invalid": "is not valid JSON: {error}",
    "model_attributes_type": "must be a JSON object, sent with Content-Type: application/json",
    "list_type": "must be a JSON array, sent with Content-Type: application/json",
    "dict_type": "must be a JSON object, sent with Content-Type: application/json",
    "finite_number": "must be a finite number",
    "timezone_aware": f"has no time zone: it {RFC3339}",
    "datetime_parsing": RFC3339 + ": {error}",
    "datetime_from_date_parsing": RFC3339 + ": {error}",
    "datetime_type": RFC3339,
}


def stop_early(rows: Any, validate: ValidatorFunctionWrapHandler) -> Any:
    """Validate a list block by block, so that the mistakes of the first bad block are all that is looked for."""
    if not isinstance(rows, list) or not BLOCK < len(rows) <= MAX_GUEST_RATINGS:
        return validate(rows)
    valid = []
    for start in range(0, len(rows), BLOCK):
        try:
            valid += validate(rows[start : start + BLOCK])
        except ValidationError:
            return validate(rows[: start + BLOCK])  # which names the right places
    return valid


StopEarly = WrapValidator(stop_early)


def invalid_request(errors: Sequence[Any]) -> InvalidRequest:
    """Turn pydantic's errors into one problem that names every field (at most `MAX_FIELDS`)."""
    fields = [FieldProblem(pointer(place(error)), fix(error)) for error in errors[:MAX_FIELDS]]
    more = f" and {len(errors) - MAX_FIELDS} more" if len(errors) > MAX_FIELDS else ""
    return InvalidRequest("; ".join(f"{f['field']}: {f['detail']}" for f in fields) + more, fields)


def place(error: Mapping[str, Any]) -> Sequence[str | int]:
    """Return the field's place; text that is no JSON has no fields."""
    return ("body",) if error["type"] == "json_invalid" else error["loc"]


def fix(error: Mapping[str, Any]) -> str:
    """Return how to correct one field."""
    words = FIXES.get(error["type"])
    if words is None:
        return str(error["msg"]).removeprefix("Value error, ")
    at = f", at character {error['loc'][-1]}" if error["type"] == "json_invalid" else ""
    return words.format(**error.get("ctx", {})) + at


def pointer(location: Sequence[str | int]) -> str:
    """Name a field: `limit` for a parameter, `/ratings/3/value` for a place in the body, `/` for all of it."""
    where, *path = location
    return "/" + "/".join(map(escape, path)) if where == "body" else ".".join(map(str, path)) or str(where)


def escape(step: str | int) -> str:
    """Write one step of a JSON pointer (RFC 6901)."""
    return str(step).replace("~", "~0").replace("/", "~1")
