"""JSON: an object a line, or an array of objects, however it is laid out."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import orjson
import pyarrow as pa

from app.kit.ids import normalize_id
from app.kit.validation import TOO_DEEP
from app.transfer.problems import RefusedRow, TransferProblem
from app.transfer.reading import text
from app.transfer.reading.tables import PREVIEW_ROWS, Batch, File, Table, Wanted, in_batches
from app.transfer.reading.text import MAX_LINE_BYTES

ID_FIELDS = ("user_id", "item_id")
SURELY_WRITABLE = 200  # brackets
TOO_LONG = f"the line is longer than {MAX_LINE_BYTES:,} bytes"
MAX_DEPTH = 3  # of names such as movie.ids.imdb
FIRST_ROWS = 1_000  # that are asked for names
find_array = re.compile(r'\ufeff?\s*(?:\[|\{\s*"(?:[^"\\]|\\.)*"\s*:\s*\[(?=\s*\{))').match
find_list = re.compile(r"\[\s*\{").search
GAP = re.compile(r"[\s,]*")  # matches anything
CLOSING = ("]", "}")
DECODER = json.JSONDecoder()


class Row(NamedTuple):
    """A row of JSON, or the line that is none."""

    line: int
    data: str
    value: dict[str, Any] | str  # what is wrong with it, if it is none


def json_table(file: File, extra: Mapping[str, str], *, is_array: bool) -> Table:
    """Describe a file of JSON objects; ``extra`` are the fields that later rows may have under our names.

    Raises:
        TransferProblem: if it holds none.
    """
    first: list[Row] = []
    notes: list[str] = []
    for rows, _ in read_rows(file, is_array, []):
        first += [row for row in rows[: FIRST_ROWS - len(first)] if isinstance(row.value, dict) and row.value]
        if first:
            break
    names: dict[str, None] = {}
    lists: dict[str, None] = {}
    for row in first:
        names |= dict.fromkeys(names_in(row.value))
        lists |= {name: None for name in names if is_of_objects(pick(row.value, name))}
    if not names:
        raise TransferProblem(f"{file.name} holds no JSON objects: write one a line.")
    if len(first) == 1 and all(name.isdecimal() and isinstance(each, dict) for name, each in members(first[0])):
        raise TransferProblem(f"{file.name} is an object of objects, by their ids: write these objects to a list.")

    def read(wanted: Wanted) -> Iterator[Batch]:
        taken = set(wanted.values())
        later = {name: column for name, column in extra.items() if name not in wanted and column not in taken}
        return read_json(file, dict(wanted) | later, is_array, notes)

    return Table(list(names), [row.data for row in first[:PREVIEW_ROWS]], None, read, [*lists], notes)


def is_of_objects(value: Any) -> bool:
    """Return whether a value is a list of objects."""
    return isinstance(value, list) and bool(value) and isinstance(value[0], dict)


def members(row: Row) -> Iterable[tuple[str, Any]]:
    """Return the names and values of an object."""
    return row.value.items() if isinstance(row.value, dict) else ()


def names_in(value: Any, prefix: str = "", depth: int = 1) -> Iterator[str]:
    """Return the names of an object's values, those in nested objects with dots."""
    for name, inner in value.items():
        yield prefix + name
        if isinstance(inner, dict) and depth < MAX_DEPTH:
            yield from names_in(inner, f"{prefix}{name}.", depth + 1)


def read_json(file: File, fields: Mapping[str, str], is_array: bool, notes: list[str]) -> Iterator[Batch]:
    """Read the batches of a file of JSON objects. A field that a row does not have is null."""
    for rows, position in read_rows(file, is_array, notes):
        values: list[dict[str, Any]] = []
        lines, refused = [], []
        for row in rows:
            if not isinstance(row.value, dict):
                refused.append(RefusedRow(file.name, row.line, row.data, [row.value]))
            elif isinstance(pick(row.value, fields.get("title", "")), dict | list | bool):
                refused.append(RefusedRow(file.name, row.line, row.value, ["title must be text"]))
            else:
                values.append(row.value)
                lines.append(row.line)
        found = {name: [pick(value, column) for value in values] for name, column in fields.items()}
        columns = {name: (to_ids if name in ID_FIELDS else to_array)(each) for name, each in found.items()}
        originals = {name: found[name] for name in ID_FIELDS if name in found}
        yield from in_batches(Batch(columns, lines, position, refused, originals))


def pick(row: Any, name: str) -> Any:
    """Return a value by its name, `movie.ids.imdb` being inside of two objects."""
    if name in row or "." not in name:
        return row.get(name)
    value: Any = row
    for step in name.split("."):
        value = value.get(step) if isinstance(value, dict) else None
    return value


def read_rows(file: File, is_array: bool, notes: list[str]) -> Iterator[tuple[list[Row], int]]:
    """Read rows, some at a time, and the bytes read so far."""
    if is_array:
        yield from read_array(file, notes)
        return
    for block in text.read_blocks(file.pieces(), file.name, quoted=False, strict=file.is_strict, notes=notes):
        lines = enumerate(block.data.split(b"\n"), block.line)
        yield [read_line(line, data, file.is_strict) for line, data in lines if data.strip()], block.position


def read_line(line: int, data: bytes, is_strict: bool) -> Row:
    """Read a line."""
    value = TOO_LONG if is_strict and len(data) > MAX_LINE_BYTES else parse_line(data)
    return Row(line, data.decode(errors="replace") if isinstance(value, str) or line <= PREVIEW_ROWS else "", value)


def read_array(file: File, notes: list[str]) -> Iterator[tuple[list[Row], int]]:
    """Read an array of objects, or objects that follow each other over several lines.

    Raises:
        TransferProblem: if that is no JSON, or if more than one list is in it.
    """
    rest, line, opening = "", 1, None
    for block in text.read_blocks(file.pieces(), file.name, quoted=False, strict=False, notes=notes):
        rest += block.data.decode()
        if opening is None:
            opening = match[0].lstrip("\ufeff \t\r\n")[:1] if (match := find_array(rest)) else ""
            start = match.end() if match else 0
        else:
            start = 0
        if rest[:1] in CLOSING:
            if len(rest) > MAX_LINE_BYTES:
                break
            continue
        line += rest.count("\n", 0, start)
        rows, end, line = read_objects(file.name, rest, start, line)
        rest = rest[end:]
        if rest[:1] in CLOSING and find_list(rest):
            check_end(file.name, opening, rest, line)
        yield rows, block.position
    if rest[:1] in CLOSING:
        check_end(file.name, opening or "", rest, line)
    elif rest.strip():
        raise TransferProblem(f"{file.name}, line {line}: the JSON ends too early: send all of it.")


def check_end(file: str, opening: str, rest: str, line: int) -> None:
    """Check that nothing but an object's other values follows its list, or an array's end.

    Raises:
        TransferProblem: if another list does, or more JSON.
    """
    if opening == "[" and not rest[1:].strip():
        return
    others = list[str]()
    if opening == "{" and rest[0] == "]":
        try:
            after = json.loads('{"": 0' + rest[1:])
        except (json.JSONDecodeError, RecursionError):
            pass
        else:
            others = [name for name in names_in(after) if is_of_objects(pick(after, name))]
            if not others:
                return
    what = f"lists than the first: {', '.join(others)}" if others else "than one list"
    raise TransferProblem(
        f"{file}, line {line}: it holds more {what}. Write each to a file of its own, or all objects to one list."
    )


def read_objects(file: str, data: str, end: int, line: int) -> tuple[list[Row], int, int]:
    """Read the whole objects from a place on; return them, the place of what follows, and its line.

    Raises:
        TransferProblem: if what follows is no JSON.
    """
    rows: list[Row] = []
    while True:
        begin = next(GAP.finditer(data, end)).end()
        line += data.count("\n", end, begin)
        if begin >= len(data) or data[begin] in CLOSING:
            return rows, begin, line
        try:
            value, end = DECODER.raw_decode(data, begin)
        except json.JSONDecodeError as error:
            if len(data) - begin > MAX_LINE_BYTES or not is_cut_off(error, data):
                raise TransferProblem(f"{file}, line {line}: the text is not valid JSON: {error.msg}.") from None
            return rows, begin, line
        except RecursionError:
            raise TransferProblem(f"{file}, line {line}: the object {TOO_DEEP}.") from None
        row = data[begin:end]
        rows.append(Row(line, row, value if isinstance(value, dict) else "the value is not a JSON object"))
        line += row.count("\n")


def is_cut_off(error: json.JSONDecodeError, data: str) -> bool:
    """Return whether JSON may only lack its end."""
    return error.pos >= len(data.rstrip()) - 10 or error.msg.startswith("Unterminated string")


def parse_line(data: bytes) -> dict[str, Any] | str:
    """Read a line's object, or return why there is none."""
    try:
        row = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        return f"the line is not valid JSON: {error}" if is_utf8(data) else "the line is not UTF-8: send it in UTF-8"
    if not isinstance(row, dict):
        return "the line is not a JSON object"
    return "the line " + TOO_DEEP if is_too_deep(data, row) else row


def is_too_deep(data: bytes, row: dict[str, Any]) -> bool:
    """Return whether a line's object is nested so deep that it cannot be written again."""
    if data.count(b"[") + data.count(b"{") < SURELY_WRITABLE:
        return False
    try:
        orjson.dumps(row)
    except orjson.JSONEncodeError:
        return True
    return False


def is_utf8(data: bytes) -> bool:
    """Return whether text is in UTF-8."""
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def to_array(values: list[Any]) -> pa.Array:
    """Make a column of JSON values; values of several types become text, lists and objects JSON text."""
    if any(isinstance(value, dict | list | bool) for value in values):
        return pa.array([json_text(value) for value in values], pa.string())
    try:
        return pa.array(values)
    except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError):
        return pa.array([None if value is None else str(value) for value in values], pa.string())


def json_text(value: Any) -> str | None:
    """Return text as it is, anything else as JSON text."""
    return value if value is None or isinstance(value, str) else orjson.dumps(value).decode()


def to_ids(values: list[Any]) -> pa.Array:
    """Make a column of ids; what is neither text nor a whole number is none, whatever stands beside it."""
    return pa.array([value if type(value) is str else to_id(value) for value in values], pa.string())


def to_id(value: Any) -> str | None:
    """Write an id that is not text."""
    normal = normalize_id(value)
    return normal if type(normal) is str else None
