"""Bulk bodies: one object or a list of them, read so that an invalid row does not affect the others."""

from itertools import islice
from typing import Annotated, Any, Generic, NamedTuple, TypeVar

import orjson
from pydantic import BaseModel, FailFast, TypeAdapter, ValidationError

from app.kit.errors import FieldProblem, InvalidRequest
from app.kit.validation import MAX_FIELDS, TOO_DEEP, fix, pointer
from app.settings import MAX_LIST
from app.web.bounded import count_values

M = TypeVar("M", bound=BaseModel)
MAX_UNKNOWN = 5  # fields of a row that are named
MAX_FIRST_GUESS = 20_000  # values of a body that is validated as a whole first
JSON_SPACE = b" \t\r\n"
NOT_UTF8 = "it is not in UTF-8: write it so, and name its Content-Encoding if it is compressed"


class Refused(NamedTuple):
    """A row that is not stored, and its offending fields."""

    row: Any
    errors: list[FieldProblem]

    def value_of(self, name: str) -> Any:
        """Return a field's value; None for lists and objects, which may be too deep to be written."""
        value = self.row.get(name) if isinstance(self.row, dict) else None
        return None if isinstance(value, list | dict) else value


class BulkReader(Generic[M]):
    """Reads posted bodies of one kind of row."""

    def __init__(self, schema: type[M]) -> None:
        self._one = TypeAdapter(schema)
        self._many: TypeAdapter[list[M]] = TypeAdapter(Annotated[list[schema], FailFast()])  # type: ignore[valid-type,arg-type]
        self._names = frozenset(schema.model_fields)

    def read(self, body: bytes) -> list[M | Refused]:
        """Read one row or a list of rows.

        Raises:
            InvalidRequest: if the body is neither, or the list is too long or empty.
        """
        if count_values(body) > MAX_FIRST_GUESS:  # each might be a mistake
            return self._read_each(body)
        try:
            if is_object(body):
                return [self._one.validate_json(body)]
            rows = self._many.validate_json(body)
        except ValidationError:
            return self._read_each(body)
        check_length(rows)
        return list(rows)

    def _read_each(self, body: bytes) -> list[M | Refused]:
        document = parse_json(body)
        if isinstance(document, dict):
            return [self.read_row(document, "")]
        check_length(document)
        return [self.read_row(row, f"/{index}") for index, row in enumerate(document)]

    def read_row(self, row: Any, place: str) -> M | Refused:
        """Read one row of parsed JSON; ``place`` is its JSON pointer."""
        try:
            return self._one.validate_json(orjson.dumps(self._cut(row)))
        except orjson.JSONEncodeError:
            return Refused(row, [FieldProblem(place or "/", TOO_DEEP)])
        except ValidationError as error:
            return Refused(row, [problem_at(place, problem) for problem in error.errors()])

    def _cut(self, row: Any) -> Any:
        """Leave out all but the first unknown fields: a row is refused for those as well."""
        if not isinstance(row, dict) or len(row) <= len(self._names) + MAX_UNKNOWN:
            return row
        kept = [*(name for name in self._names if name in row)]
        kept += islice((name for name in row if name not in self._names), MAX_UNKNOWN)
        return {name: row[name] for name in kept}


def is_object(body: bytes) -> bool:
    """Return whether a body is one row rather than a list."""
    return body.lstrip(JSON_SPACE)[:1] == b"{"


def parse_json(body: bytes) -> Any:
    """Parse a body that must be an object or a list.

    Raises:
        InvalidRequest: if it is neither.
    """
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        words = NOT_UTF8 if "UTF-8" in str(error) else str(error)
        raise InvalidRequest(f"The body is not valid JSON: {words}.", [FieldProblem("/", words)]) from None
    if not isinstance(document, dict | list):
        raise InvalidRequest(fields=[FieldProblem("/", "must be a JSON object, or an array of them")])
    return document


def problem_at(place: str, error: Any) -> FieldProblem:
    """Turn an error of pydantic's in the row at a place into ours."""
    if error["type"] == "json_invalid":  # yet orjson wrote it
        return FieldProblem(place or "/", TOO_DEEP)
    inside = pointer(("body", *error["loc"])) if error["loc"] else ""
    return FieldProblem(place + inside or "/", fix(error))


def check_length(rows: list[Any]) -> None:
    """Refuse a list that is too long or empty."""
    if not 1 <= len(rows) <= MAX_LIST:
        detail = f"holds {len(rows)} rows: send 1 to {MAX_LIST} at a time"
        raise InvalidRequest(f"The list {detail}.", [FieldProblem("/", detail)])


def no_valid_row(rows: list[Any]) -> InvalidRequest:
    """Return the error of a request without a valid row; it names the first fields."""
    fields = [field for row in rows if isinstance(row, Refused) for field in row.errors][:MAX_FIELDS]
    return InvalidRequest("; ".join(f"{f['field']}: {f['detail']}" for f in fields), fields)
