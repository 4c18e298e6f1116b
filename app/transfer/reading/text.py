"""Text files as blocks of whole lines in UTF-8; no block is larger than memory allows."""

import codecs
import csv
import io
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import pyarrow as pa
from pyarrow import csv as arrow_csv

from app.transfer.problems import TransferProblem

BLOCK_BYTES = 1536 * 1024  # some 60,000 ratings
MAX_BLOCK_BYTES = 64 * BLOCK_BYTES
MAX_LINE_BYTES = 1024 * 1024  # of a line, where the text is read strictly
BOM = b"\xef\xbb\xbf"
NOT_UTF8 = "lines that are not in UTF-8"


class Block(NamedTuple):
    """Whole lines, and where they stand: the first one's number, and the bytes read so far."""

    data: bytes
    line: int
    position: int


class Dialect(NamedTuple):
    """How lines are cut into columns, and whether cells are padded with spaces."""

    separator: bytes
    names: list[str]
    quoted: bool
    is_padded: bool = False


class Table(NamedTuple):
    """Lines cut into text columns; ``lines`` numbers the valid ones, ``bad`` have another number of columns."""

    columns: list[pa.Array]
    lines: list[int]
    bad: list[tuple[int, str]]


def read_blocks(
    pieces: Iterator[bytes], file: str, *, quoted: bool, strict: bool = False, notes: list[str] | None = None
) -> Iterator[Block]:
    """Cut text after whole lines; a line break inside quotes is none.

    Read strictly, text without quotes comes as it is, except that of a line that is too long only the start is kept:
    its reader judges line by line. Lines that are not in UTF-8 are noted.

    Raises:
        TransferProblem: if a line does not end; read strictly, also if quoted text is not UTF-8.
    """
    rest, line, position = b"", 1, 0
    max_bytes = MAX_LINE_BYTES if strict else MAX_BLOCK_BYTES

    def decode(block: bytes, line: int) -> bytes:
        return decode_strictly(block, file, line, quoted) if strict else to_utf8(block, file, line, notes)

    for data in pieces:
        position += len(data)
        rest = (rest + data).removeprefix(BOM) if line == 1 else rest + data
        end = line_end(rest, quoted)
        if end:
            yield Block(decode(rest[:end], line), line, position)
            line += rest.count(b"\n", 0, end)
            rest = rest[end:]
        elif len(rest) > max_bytes and strict and not quoted:
            rest = rest[: max_bytes + 1]
        elif len(rest) > max_bytes:
            raise TransferProblem(
                f"{file}, line {line}: a line or a quoted value does not end within {max_bytes:,} bytes."
            )
    if rest:
        yield Block(decode(rest, line), line, position)


def decode_strictly(data: bytes, file: str, line: int, quoted: bool) -> bytes:
    """Return the text of a block, which starts at a line.

    Raises:
        TransferProblem: if it is not UTF-8, and a reader of single lines does not see to that.
    """
    try:
        return data if not quoted else data.decode().encode()
    except UnicodeDecodeError as error:
        line += data.count(b"\n", 0, error.start)
        raise TransferProblem(f"{file}, line {line}: the text is not UTF-8: send it in UTF-8.") from None


def line_end(data: bytes, quoted: bool) -> int:
    """Find the end of the last line that is whole; 0 if none is."""
    end = data.rfind(b"\n") + 1
    num_quotes = data.count(b'"', 0, end) if quoted else 0
    while end and num_quotes % 2:  # cut before the line that the last quote is in
        start = data.rfind(b"\n", 0, data.rfind(b'"', 0, end)) + 1
        num_quotes -= data.count(b'"', start, end)
        end = start
    return end


def to_utf8(data: bytes, file: str, line: int, notes: list[str] | None) -> bytes:
    """Return text in UTF-8; lines that are not are taken for Windows-1252, which has all printable ones of Latin-1."""
    try:
        data.decode()
    except UnicodeDecodeError as error:
        if notes is not None and not any(NOT_UTF8 in note for note in notes):
            line += data.count(b"\n", 0, error.start)
            notes.append(
                f"{file}: {NOT_UTF8}, from line {line} on, are taken for Windows-1252; if they are none, convert them"
            )
        return b"\n".join(map(line_to_utf8, data.split(b"\n")))
    return data


def line_to_utf8(line: bytes) -> bytes:
    """Return a line in UTF-8."""
    try:
        line.decode()
    except UnicodeDecodeError:
        return line.decode("cp1252", "latin_1_instead").encode()
    return line


def latin_1_instead(error: UnicodeError) -> tuple[str, int]:
    """Decode the five bytes that Windows-1252 lacks."""
    assert isinstance(error, UnicodeDecodeError)  # noqa: S101 - for the type checker
    return error.object[error.start : error.end].decode("latin-1"), error.end


codecs.register_error("latin_1_instead", latin_1_instead)


def sniff(first_line: bytes, file: str, separator: bytes | None = None) -> Dialect:
    """Find the separator and the names of a header line.

    Raises:
        TransferProblem: if it is none, or names a column twice.
    """
    separator = separator or find_separator(first_line)
    text = first_line.decode().rstrip("\r\n")
    if len(separator) > 1:
        return Dialect(separator, text.split(separator.decode()), quoted=False)
    try:
        names = next(csv.reader([text], delimiter=separator.decode(), strict=True), [])
    except csv.Error as error:
        hint = "end each line with LF or CR LF" if "\r" in text else "write the names of the columns"
        raise TransferProblem(f"{file}, line 1: the header cannot be read ({error}): {hint}.") from None
    return Dialect(separator, names, quoted=True)


def split_names(line: bytes) -> list[str]:
    """Return what may be names of columns; none if the line cannot be one of names."""
    separator, text = find_separator(line).decode(), line.decode().strip()
    if len(separator) > 1:
        return text.split(separator)
    try:
        return next(csv.reader([text], delimiter=separator, strict=True), [])
    except csv.Error:
        return []


def check_names(names: Sequence[str], file: str) -> None:
    """Refuse a header that names a column twice.

    Raises:
        TransferProblem: naming it.
    """
    if twice := [name for name, number in Counter(names).items() if number > 1 and name]:
        row = all(re.fullmatch(r"[-+\d.,:/ ]*", name) for name in names)
        hint = "; or --no-header --columns 1,2,3,4 if there is none (the places of user, item, value and date)"
        raise TransferProblem(
            f"{file}, line 1: the header names {twice[0]} twice: rename or remove one{hint if row else ''}."
        )


def find_separator(line: bytes) -> bytes:
    """Return what stands most often in a line; a space if nothing else does."""
    if b"::" in line and not any(mark in line for mark in (b",", b"\t", b";", b"|", b'"')):
        return b"::"
    separator = max((b",", b"\t", b";", b"|"), key=line.count)
    return separator if separator in line or b" " not in line.strip() else b" "


def number_columns(first_line: bytes, file: str) -> Dialect:
    """Find the separator of lines without a header, and call the columns by their numbers from 1."""
    if b"::" in first_line:
        return Dialect(b"::", [str(n + 1) for n in range(first_line.count(b"::") + 1)], quoted=False)
    separator = find_separator(first_line)
    cells = sniff(first_line, file, separator).names
    return Dialect(separator, [str(n + 1) for n in range(len(cells))], quoted=True)


def cut(block: Block, dialect: Dialect) -> Table:
    """Cut a block's lines into columns.

    Raises:
        TransferProblem: if that cannot be done.
    """
    separator, data = dialect.separator, block.data
    if len(separator) > 1:
        data, separator = data.replace(separator, b"\x1f"), b"\x1f"
    if data.startswith(BOM):  # of an id: the file's own is gone. Arrow would drop it, but passes over an empty line.
        data = b"\n" + data
    bad: list[tuple[int, str]] = []

    def refuse(row: arrow_csv.InvalidRow) -> str:
        bad.append((row.number, row.text))
        return "skip"

    table = arrow_csv.read_csv(
        pa.BufferReader(data),
        arrow_csv.ReadOptions(column_names=dialect.names, use_threads=False, block_size=len(data) + 1),
        arrow_csv.ParseOptions(
            delimiter=separator.decode(),
            quote_char='"' if dialect.quoted else False,
            newlines_in_values=dialect.quoted,
            invalid_row_handler=refuse,
        ),
        arrow_csv.ConvertOptions(column_types=dict.fromkeys(dialect.names, pa.string()), strings_can_be_null=False),
    )
    starts = record_lines(block, table.num_rows + len(bad), dialect.quoted)
    refused = {number for number, _ in bad}
    lines = [line for number, line in enumerate(starts, 1) if number not in refused] if bad else list(starts)
    columns = [column.combine_chunks() for column in table.columns]
    return Table(columns, lines, [(starts[number - 1], text) for number, text in bad])


def check_quotes(block: Block, dialect: Dialect, file: str) -> None:
    """Look for a quoted cell that does not end as it should, and so takes in the lines that follow.

    Raises:
        TransferProblem: naming the line where it begins.
    """
    if dialect.quoted and (line := open_quote(block.data, dialect.separator)) is not None:
        raise TransferProblem(
            f"{file}, line {block.line + line}: a quoted cell does not end where it should: double the quotes inside of"
            " it, or remove the one that is too many."
        )


def open_quote(data: bytes, separator: bytes) -> int | None:
    """Return the line, from 0, where a quoted cell begins that goes on after its end, or does not end at all."""
    if b'"' not in data:
        return None
    line = 0
    lines = io.StringIO(data.decode(errors="replace"), newline="\n")  # as for Arrow, no other character ends a line
    reader = csv.reader(lines, delimiter=separator.decode(), strict=True)
    csv.field_size_limit(MAX_BLOCK_BYTES)
    try:
        for _ in reader:
            line = reader.line_num
    except csv.Error as error:
        if "expected after" in str(error) or "unexpected end" in str(error):
            return line
    return None


def record_lines(block: Block, num_records: int, quoted: bool) -> Sequence[int]:
    """Return the line at which each record starts: a quoted value may hold line breaks, and empty lines are none."""
    num_lines = block.data.count(b"\n") + (not block.data.endswith(b"\n"))
    if num_lines == num_records:
        return range(block.line, block.line + num_records)
    starts, inside = [], False
    for number, line in enumerate(block.data.split(b"\n"), block.line):
        if not inside and line.rstrip(b"\r"):
            starts.append(number)
        inside ^= quoted and bool(line.count(b'"') % 2)
    return starts if len(starts) == num_records else range(block.line, block.line + num_records)
