"""Read a file batch by batch: columns by field name, whatever the format."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import IO, Any

import orjson
import pyarrow as pa
from pyarrow import parquet

from app.kit.validation import TOO_DEEP
from app.transfer.problems import RefusedRow, TransferProblem
from app.transfer.reading import text
from app.transfer.reading.fields import FIELDS, check_fields, kind_of, map_columns
from app.transfer.reading.text import MAX_LINE_BYTES, Layout

BATCH_ROWS = 60_000
ID_FIELDS = ("user_id", "item_id")
SURELY_WRITABLE = 200  # brackets
EXACT_BELOW = 2**53  # a larger number without a fraction may have been another
TOO_LONG = f"the line is longer than {MAX_LINE_BYTES:,} bytes"

Opener = Callable[[], IO[bytes]]
Renames = Mapping[str, str]


@dataclass(frozen=True)
class Batch:
    """Some rows of a file: a column each field that it has, their line numbers, and the lines that cannot be read."""

    columns: dict[str, pa.Array]
    lines: list[int]
    position: int  # bytes read so far
    refused: list[RefusedRow] = field(default_factory=list)


@dataclass(frozen=True)
class Source:
    """A file to import: `ratings` or `items`, its name and size, and its batches."""

    kind: str
    file: str
    num_bytes: int
    batches: Callable[[], Iterator[Batch]]
    is_film_list: bool = False  # titles end with the year, as "Alien (1979)"


def text_source(
    open_file: Opener, file: str, num_bytes: int, kind: str | None, *, renames: Renames, strict: bool = False
) -> Source:
    """Describe a text file with a header line."""
    with open_file() as stream:
        first = next(text.read_blocks(stream, file, quoted=True, strict=strict), None)
    if first is None:
        raise TransferProblem(f"{file} is empty.")
    layout = text.sniff(first.data.split(b"\n", 1)[0], file)
    fields = map_columns(layout.names, renames, file)
    kind = kind or kind_of(fields)
    check_fields(fields, kind, layout.names, file)

    def batches() -> Iterator[Batch]:
        return read_text(open_file, file, layout, fields, header_lines=1, strict=strict)

    film_list = kind == "items" and {"movieId", "genres"} <= set(layout.names)
    return Source(kind, file, num_bytes, batches, film_list)


def plain_source(open_file: Opener, file: str, num_bytes: int, kind: str, *, layout: Layout) -> Source:
    """Describe a text file without a header, whose columns are known."""
    fields = {name: name for name in layout.names}

    def batches() -> Iterator[Batch]:
        return read_text(open_file, file, layout, fields, header_lines=0)

    return Source(kind, file, num_bytes, batches, is_film_list=kind == "items")


def read_text(
    open_file: Opener,
    file: str,
    layout: Layout,
    fields: Mapping[str, str],
    *,
    header_lines: int,
    strict: bool = False,
) -> Iterator[Batch]:
    """Read the batches of a text file."""
    wanted = {name: layout.names.index(column) for name, column in fields.items()}
    with open_file() as stream:
        for block in text.read_blocks(stream, file, quoted=layout.quoted, strict=strict):
            if block.line == 1 and header_lines:
                block = block._replace(data=block.data.partition(b"\n")[2], line=2)
            if not block.data.strip():
                continue
            try:
                table = text.cut(block, layout)
            except pa.ArrowInvalid as error:
                raise TransferProblem(f"{file}, from line {block.line}: {error}.") from error
            expected = f"the line does not have {len(layout.names)} columns: {', '.join(layout.names)}"
            refused = [RefusedRow(file, line, row, [expected]) for line, row in table.bad]
            columns = {name: table.columns[place] for name, place in wanted.items()}
            yield from in_batches(Batch(columns, table.lines, block.position, refused))


def in_batches(batch: Batch) -> Iterator[Batch]:
    """Cut a batch that is too large."""
    for start in range(0, max(len(batch.lines), 1), BATCH_ROWS):
        columns = {name: column.slice(start, BATCH_ROWS) for name, column in batch.columns.items()}
        lines = batch.lines[start : start + BATCH_ROWS]
        yield Batch(columns, lines, batch.position, batch.refused if start == 0 else [])


def ndjson_source(
    open_file: Opener, file: str, num_bytes: int, kind: str | None, *, renames: Renames, strict: bool = False
) -> Source:
    """Describe a file of one JSON object a line."""
    names = first_names(open_file, file, strict)
    fields = map_columns(names, renames, file)
    kind = kind or kind_of(fields)
    check_fields(fields, kind, names, file)
    later = {name: name for name in FIELDS[kind] if name not in fields}  # the first lines need not have all

    def batches() -> Iterator[Batch]:
        return read_ndjson(open_file, file, fields | later, strict)

    return Source(kind, file, num_bytes, batches)


def first_names(open_file: Opener, file: str, strict: bool) -> list[str]:
    """Return the names that the first lines' objects have.

    Raises:
        TransferProblem: if there are none.
    """
    with open_file() as stream:
        for block in text.read_blocks(stream, file, quoted=False, strict=strict):
            if names := names_in(block.data.splitlines()[:1_000]):
                return names
    raise TransferProblem(f"{file} holds no JSON objects: write one a line.")


def names_in(lines: list[bytes]) -> list[str]:
    """Return the names that some lines' objects have."""
    names: dict[str, None] = {}
    for line in lines:
        try:
            row = orjson.loads(line)
        except orjson.JSONDecodeError:
            continue
        names |= dict.fromkeys(row if isinstance(row, dict) else ())
    return list(names)


def read_ndjson(open_file: Opener, file: str, fields: Mapping[str, str], strict: bool) -> Iterator[Batch]:
    """Read the batches of a file of JSON objects. A field that a row does not have is null."""
    title = fields.get("title")
    with open_file() as stream:
        for block in text.read_blocks(stream, file, quoted=False, strict=strict):
            rows: list[dict[str, Any]] = []
            lines, refused = [], []
            for line, data in enumerate(block.data.split(b"\n"), block.line):
                if not data.strip():
                    continue
                row = parse_line(data) if not strict or len(data) <= MAX_LINE_BYTES else TOO_LONG
                if title and isinstance(row, dict) and isinstance(row.get(title), dict | list | bool):
                    refused.append(RefusedRow(file, line, row, ["title must be text"]))
                elif isinstance(row, dict):
                    rows.append(row)
                    lines.append(line)
                else:
                    refused.append(RefusedRow(file, line, data.decode(errors="replace"), [row]))
            columns = {
                name: (to_ids if name in ID_FIELDS else to_array)([row.get(column) for row in rows])
                for name, column in fields.items()
            }
            yield from in_batches(Batch(columns, lines, block.position, refused))


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
    if isinstance(value, float) and value.is_integer() and abs(value) < EXACT_BELOW:
        return str(int(value))
    return str(value) if type(value) is int else None


def parquet_source(open_file: Opener, file: str, num_bytes: int, kind: str | None, *, renames: Renames) -> Source:
    """Describe a Parquet file."""
    with open_file() as stream:
        try:
            names = parquet.ParquetFile(stream).schema_arrow.names
        except pa.ArrowInvalid as error:
            raise TransferProblem(f"{file} is not a Parquet file: {error}") from error
    fields = map_columns(names, renames, file)
    kind = kind or kind_of(fields)
    check_fields(fields, kind, names, file)

    def batches() -> Iterator[Batch]:
        return read_parquet(open_file, fields, num_bytes)

    return Source(kind, file, num_bytes, batches)


def read_parquet(open_file: Opener, fields: Mapping[str, str], num_bytes: int) -> Iterator[Batch]:
    """Read the batches of a Parquet file; its rows are numbered from 1."""
    with open_file() as stream:
        table = parquet.ParquetFile(stream)
        total, line = max(table.metadata.num_rows, 1), 1
        for batch in table.iter_batches(BATCH_ROWS, columns=list(fields.values())):
            lines = list(range(line, line + len(batch)))
            line += len(batch)
            columns = {name: batch.column(column) for name, column in fields.items()}
            yield Batch(columns, lines, num_bytes * (line - 1) // total)
