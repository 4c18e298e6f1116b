"""Text files as blocks of whole lines in UTF-8; no block is larger than memory allows."""

import csv
from collections.abc import Iterator
from typing import IO, NamedTuple

import pyarrow as pa
from pyarrow import csv as arrow_csv

from app.transfer.problems import TransferProblem

BLOCK_BYTES = 1536 * 1024  # some 60,000 ratings
MAX_BLOCK_BYTES = 64 * BLOCK_BYTES
BOM = b"\xef\xbb\xbf"


class Block(NamedTuple):
    """Whole lines, and where they stand: the first one's number, and the bytes read so far."""

    data: bytes
    line: int
    position: int


class Layout(NamedTuple):
    """How lines are cut into columns."""

    separator: bytes
    names: list[str]
    quoted: bool


class Table(NamedTuple):
    """Lines cut into text columns; ``lines`` numbers the good ones, ``bad`` are those of another number of columns."""

    columns: list[pa.Array]
    lines: list[int]
    bad: list[tuple[int, str]]


def read_blocks(stream: IO[bytes], file: str, quoted: bool) -> Iterator[Block]:
    """Cut a stream after whole lines; a line break inside quotes is none.

    Raises:
        TransferProblem: if a line does not end.
    """
    rest, line, position = b"", 1, 0
    while data := stream.read(BLOCK_BYTES):
        position += len(data)
        rest = rest.removeprefix(BOM) + data if line == 1 else rest + data
        end = line_end(rest, quoted)
        if end:
            yield Block(to_utf8(rest[:end]), line, position)
            line += rest.count(b"\n", 0, end)
            rest = rest[end:]
        elif len(rest) > MAX_BLOCK_BYTES:
            raise TransferProblem(f"{file}, line {line}: a line or a quoted value does not end.")
    rest = rest.removeprefix(BOM) if line == 1 else rest
    if rest:
        yield Block(to_utf8(rest), line, position)


def line_end(data: bytes, quoted: bool) -> int:
    """Find the end of the last line that is whole; 0 if none is."""
    end = data.rfind(b"\n") + 1
    while quoted and end and data.count(b'"', 0, end) % 2:
        end = data.rfind(b"\n", 0, end - 1) + 1
    return end


def to_utf8(data: bytes) -> bytes:
    """Give text in UTF-8; what is not is taken for Latin-1, as older MovieLens files are."""
    try:
        data.decode()
    except UnicodeDecodeError:
        return data.decode("latin-1").encode()
    return data


def sniff(first_line: bytes) -> Layout:
    """Find the separator and the names of a header line."""
    separator = max((b",", b"\t", b";", b"|"), key=first_line.count)
    text = first_line.decode().rstrip("\r\n")
    return Layout(separator, next(csv.reader([text], delimiter=separator.decode()), []), quoted=True)


def cut(block: Block, layout: Layout) -> Table:
    """Cut a block's lines into columns.

    Raises:
        TransferProblem: if that cannot be done.
    """
    separator, data = layout.separator, block.data
    if len(separator) > 1:
        data, separator = data.replace(separator, b"\x1f"), b"\x1f"
    bad: list[tuple[int, str]] = []

    def refuse(row: arrow_csv.InvalidRow) -> str:
        bad.append((row.number, row.text))
        return "skip"

    table = arrow_csv.read_csv(
        pa.BufferReader(data),
        arrow_csv.ReadOptions(column_names=layout.names, use_threads=False, block_size=len(data) + 1),
        arrow_csv.ParseOptions(
            delimiter=separator.decode(),
            quote_char='"' if layout.quoted else False,
            newlines_in_values=layout.quoted,
            invalid_row_handler=refuse,
        ),
        arrow_csv.ConvertOptions(column_types=dict.fromkeys(layout.names, pa.string()), strings_can_be_null=False),
    )
    refused = {number for number, _ in bad}
    numbers = (n for n in range(1, table.num_rows + len(bad) + 1) if n not in refused)
    lines = [block.line + n - 1 for n in numbers] if bad else list(range(block.line, block.line + table.num_rows))
    columns = [column.combine_chunks() for column in table.columns]
    return Table(columns, lines, [(block.line + number - 1, text) for number, text in bad])
