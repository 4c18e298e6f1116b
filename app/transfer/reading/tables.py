"""A file as a table: its columns' names, its first rows, and its rows batch by batch."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import IO, Any, NamedTuple

import pyarrow as pa
from pyarrow import compute, parquet

from app.transfer.layouts.layout import Layout
from app.transfer.layouts.names import field_of
from app.transfer.layouts.shapes import find_by_shape
from app.transfer.options import Options
from app.transfer.problems import OTHER_COLUMNS, RefusedRow, TransferProblem
from app.transfer.reading import text
from app.transfer.reading.streams import decode_utf16, double_escaped_quotes
from app.transfer.reading.text import BLOCK_BYTES, Dialect

BATCH_ROWS = 60_000
PREVIEW_ROWS = 3
MAX_TITLE_LINES = 10  # above a header
MIN_KNOWN = 2  # fields that a header names
LISTS = {"categories", "attributes"}  # that may hold other values
TEXT_TYPES = (
    *(pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view),
    *(pa.types.is_binary, pa.types.is_large_binary, pa.types.is_binary_view, pa.types.is_fixed_size_binary),
)

Opener = Callable[[], IO[bytes]]
Wanted = Mapping[str, str]  # our field to the file's column


class File(NamedTuple):
    """Something that can be opened, from the start, more than once; ``num_bytes`` is 0 where that is not known."""

    name: str
    num_bytes: int
    open: Opener
    is_strict: bool = False  # a body: UTF-8, and no line longer than it may be

    def pieces(self) -> Iterator[bytes]:
        """Return the bytes of the file, in UTF-8 where they are UTF-16."""
        return decode_utf16(self.read())

    def read(self) -> Iterator[bytes]:
        """Return the bytes of the file."""
        with self.open() as stream:
            while data := stream.read(BLOCK_BYTES):
                yield data


@dataclass(frozen=True)
class Batch:
    """Some rows of a file: a column each field that it has, their line numbers, and the lines that cannot be read."""

    columns: dict[str, pa.Array]
    lines: list[int]
    position: int  # bytes read so far
    refused: list[RefusedRow] = field(default_factory=list)
    originals: Mapping[str, Sequence[Any]] = field(default_factory=dict)  # values that a column lost

    def row(self, place: int) -> dict[str, Any]:
        """Return the values of a row as the file has them."""
        return {
            name: self.originals[name][place] if name in self.originals else column[place].as_py()
            for name, column in self.columns.items()
        }

    def slice(self, start: int, size: int) -> "Batch":
        """Return some rows; the lines that cannot be read go with the first ones."""
        end = start + size
        columns = {name: column.slice(start, size) for name, column in self.columns.items()}
        originals = {name: values[start:end] for name, values in self.originals.items()}
        return Batch(columns, self.lines[start:end], self.position, [] if start else self.refused, originals)


@dataclass(frozen=True)
class Source:
    """A file to import: `ratings` or `items`, its name and size, and its batches.

    Attributes:
        is_film_list: whether titles end with the year, as "Alien (1979)".
        unrated: the values that mean "not rated" in this layout.
        list_separator: between categories; None is to be found out.
        used: where each field comes from.
        notes: what the user should know: the layout, the columns that are not used, how dates are read.
    """

    kind: str
    file: str
    num_bytes: int
    batches: Callable[[], Iterator[Batch]]
    is_film_list: bool = False
    unrated: frozenset[str] = frozenset()
    list_separator: str | None = None
    used: Mapping[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


class Table(NamedTuple):
    """A file as a table.

    Attributes:
        names: its columns.
        preview: its first rows, as text.
        layout: what it is known to be by its shape.
        read: returns its batches, of some columns.
        lists: the columns of JSON that hold lists of objects.
        notes: what the user should know.
    """

    names: list[str]
    preview: list[str]
    layout: Layout | None
    read: Callable[[Wanted], Iterator[Batch]]
    lists: Sequence[str]
    notes: list[str]


def text_table(file: File, options: Options, layout: Layout | None = None) -> Table:
    """Describe a text file, with a header line or without.

    Raises:
        TransferProblem: if it is empty or its header cannot be read.
    """
    first = next(text.read_blocks(file.pieces(), file.name, quoted=True, strict=file.is_strict), None)
    if first is None:
        raise TransferProblem(f"{file.name} is empty.")
    notes: list[str] = []
    lines = first.data.split(b"\n", 60)[:60]
    separator = excel_separator(lines[0])
    num_skipped = int(separator is not None)
    while num_skipped < len(lines) - 1 and not lines[num_skipped].strip():
        num_skipped += 1
    preview = [line.decode().rstrip("\r") for line in lines[num_skipped:]]
    if layout is None and options.has_header and not options.positions and num_known(lines[num_skipped]) < MIN_KNOWN:
        layout = find_by_shape(preview)
    if layout is not None:
        dialect = Dialect(layout.separator, list(layout.columns), quoted=layout.quoted)
    elif options.has_header:
        before = 0 if separator or options.positions else lines_before_header(lines[num_skipped:])
        num_skipped, preview = num_skipped + before, preview[before:]
        notes += [f"{file.name}: the header is line {num_skipped + 1}"] if before else []
        dialect = text.sniff(lines[num_skipped], file.name, separator)
        dialect = unpadded(dialect, file.name, notes)
        if not options.positions:
            text.check_names(dialect.names, file.name)
        num_skipped, preview = num_skipped + 1, preview[1:]
    else:
        dialect = text.number_columns(lines[num_skipped], file.name)
    if layout is None and dialect.separator == b"\t" and has_plain_quotes(file):
        dialect = dialect._replace(quoted=False)
        notes.append(f"{file.name}: quotes are taken as part of the cells")

    def read(wanted: Wanted) -> Iterator[Batch]:
        return read_text(file, dialect, wanted, layout=layout, num_skipped=num_skipped, notes=notes)

    names = list(layout.fields) if layout and layout.melt else dialect.names
    return Table(names, [line for line in preview if line][:PREVIEW_ROWS], layout, read, [], notes)


def has_plain_quotes(file: File) -> bool:
    """Return whether quotes in columns between tabs stand around no cells, as in dumps of databases."""
    sample = next(file.pieces(), b"")
    return text.open_quote(sample[: sample.rfind(b"\n") + 1], b"\t") is not None


def unpadded(dialect: Dialect, file: str, notes: list[str]) -> Dialect:
    """Return the dialect of a header, whose names may be padded with spaces as its cells are.

    Raises:
        TransferProblem: if they are in quotes of another kind.
    """
    names = [name.strip() for name in dialect.names]
    if any(names) and all(name[:1] == name[-1:] == "'" for name in names if name):
        raise TransferProblem(f"{file}: its cells are in single quotes: write them in double ones, or in none.")
    if names == dialect.names:
        return dialect
    notes.append(f"{file}: spaces around the cells are left out, as around the names of the columns")
    return dialect._replace(names=names, is_padded=True)


def lines_before_header(lines: Sequence[bytes]) -> int:
    """Count the lines of a title above the header, which names two of our fields at least."""
    known = [num_known(line) for line in lines[:MAX_TITLE_LINES]]
    place = max(range(len(known)), key=known.__getitem__)
    return place if known[0] < MIN_KNOWN <= known[place] else 0


def num_known(line: bytes) -> int:
    """Count the fields that a line names."""
    return len({*map(field_of, text.split_names(line))} - {None})


def excel_separator(line: bytes) -> bytes | None:
    """Return the separator that a line of Excel's names, None if it is another line."""
    line = line.rstrip(b"\r\n")
    return line[4:] if line[:4].lower() == b"sep=" and len(line) == 5 else None


def read_text(
    file: File, dialect: Dialect, wanted: Wanted, *, layout: Layout | None, num_skipped: int, notes: list[str]
) -> Iterator[Batch]:
    """Read the batches of a text file."""
    pieces = double_escaped_quotes(file.pieces()) if dialect.quoted else file.pieces()
    if layout and layout.rewrite:
        pieces = layout.rewrite(pieces)
    for block in text.read_blocks(pieces, file.name, quoted=dialect.quoted, strict=file.is_strict, notes=notes):
        if block.line == 1:
            data = block.data.split(b"\n", num_skipped)[-1] if block.data.count(b"\n") >= num_skipped else b""
            block = block._replace(data=data, line=1 + num_skipped)
        if not block.data.strip():
            continue
        text.check_quotes(block, dialect, file.name)
        try:
            table = text.cut(block, dialect)
        except pa.ArrowInvalid as error:
            raise TransferProblem(f"{file.name}, from line {block.line}: {error}.") from error
        expected = f"{OTHER_COLUMNS} {len(dialect.names)} columns: {', '.join(dialect.names)}"
        refused = [RefusedRow(file.name, line, row, [expected]) for line, row in table.bad]
        columns, lines = dict(zip(dialect.names, table.columns, strict=True)), table.lines
        if layout and layout.melt:
            columns, lines = layout.melt(table.columns, lines)
        found = {name: columns[column] for name, column in wanted.items()}
        if dialect.is_padded:
            found = {name: compute.utf8_trim_whitespace(column) for name, column in found.items()}
        yield from in_batches(Batch(found, lines, block.position, refused))


def in_batches(batch: Batch) -> Iterator[Batch]:
    """Cut a batch that is too large."""
    for start in range(0, max(len(batch.lines), 1), BATCH_ROWS):
        yield batch.slice(start, BATCH_ROWS)


def parquet_table(file: File) -> Table:
    """Describe a Parquet file.

    Raises:
        TransferProblem: if it is none.
    """
    with file.open() as stream:
        try:
            table = parquet.ParquetFile(stream)
            first = next(table.iter_batches(PREVIEW_ROWS), None)
        except (pa.ArrowException, OSError) as error:
            raise TransferProblem(f"{file.name} is not a Parquet file: {error}") from error
    names = table.schema_arrow.names
    text.check_names(names, file.name)
    preview = show_rows(first) if first else []

    def read(wanted: Wanted) -> Iterator[Batch]:
        return read_parquet(file, wanted)

    return Table(names, preview, None, read, [], [])


def show_rows(batch: pa.RecordBatch) -> list[str]:
    """Write rows for a message; what Python has no value for is left out."""
    cells = []
    for name, column in zip(batch.schema.names, batch.columns, strict=True):
        with suppress(ValueError, OverflowError):
            cells.append([f"{name}={value}" for value in column.to_pylist()])
    return [", ".join(row) for row in zip(*cells, strict=True)]


def plain_column(column: pa.Array, field: str, file: str) -> pa.Array:
    """Return a column of numbers, dates or text, as which text in bytes, words and truths count, too.

    Raises:
        TransferProblem: if it is none.
    """
    kind = column.type
    try:
        if pa.types.is_dictionary(kind):
            column = column.dictionary_decode()
            kind = column.type
        if pa.types.is_timestamp(kind):  # Palate's own are of microseconds
            return column.cast(pa.timestamp("us", kind.tz), safe=False)
        if pa.types.is_nested(kind) and field in LISTS:
            return column
        is_text = any(test(kind) for test in TEXT_TYPES)
        if is_text or pa.types.is_boolean(kind):
            return column.cast(pa.string())
        if pa.types.is_nested(kind) or pa.types.is_time(kind) or pa.types.is_duration(kind):
            raise TransferProblem(
                f"{file}: the column for {field} holds {kind}, which is no {field}: name another column."
            )
    except pa.ArrowException as error:
        raise TransferProblem(f"{file}: the column for {field} holds {kind} that cannot be read: {error}.") from None
    return column


def read_parquet(file: File, wanted: Wanted) -> Iterator[Batch]:
    """Read the batches of a Parquet file; its rows are numbered from 1."""
    with file.open() as stream:
        table = parquet.ParquetFile(stream)
        total, line = max(table.metadata.num_rows, 1), 1
        for batch in table.iter_batches(BATCH_ROWS, columns=list(wanted.values())):
            lines = list(range(line, line + len(batch)))
            line += len(batch)
            columns = {name: plain_column(batch.column(column), name, file.name) for name, column in wanted.items()}
            yield Batch(columns, lines, file.num_bytes * (line - 1) // total)
