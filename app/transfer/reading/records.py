"""What is a table though it does not look like one, turned into lines of JSON: Python's dicts, and XML."""

import ast
from collections import Counter
from collections.abc import Callable, Iterator
from io import BufferedReader
from typing import IO, cast
from xml.etree import ElementTree

import orjson

from app.transfer.problems import TransferProblem
from app.transfer.reading import text
from app.transfer.reading.streams import Pieces
from app.transfer.reading.tables import File

MAX_BRACKETS = 200  # of a dict: deeper ones are no rows


def dicts_as_json(file: File) -> File:
    """Return a file of Python's dicts, one a line, as NDJSON; a line that is no dict stays as it is, and is refused."""

    def lines() -> Iterator[bytes]:
        for block in text.read_blocks(file.pieces(), file.name, quoted=False, strict=False):
            yield b"\n".join(map(dict_as_json, block.data.split(b"\n")))

    return rewritten(file, lines)


def dict_as_json(line: bytes) -> bytes:
    """Write the dict of a line as JSON."""
    if line.count(b"{") + line.count(b"[") + line.count(b"(") > MAX_BRACKETS:
        return line
    try:
        return orjson.dumps(ast.literal_eval(line.decode().strip()), str, orjson.OPT_NON_STR_KEYS)
    except (ValueError, SyntaxError, RecursionError, MemoryError, orjson.JSONEncodeError):
        return line


def xml_as_json(file: File) -> File:
    """Return a file of XML as NDJSON: a row each element below the root, of the kind that there are most of.

    Raises:
        TransferProblem: if it is no XML, or holds no such elements.
    """
    tags: Counter[str] = Counter()
    for element in elements(file):
        if len(element) or element.attrib:
            tags[element.tag] += 1
            refuse_lists(element, file.name)
    if not tags:
        raise TransferProblem(f"{file.name} is XML without a list of records: export it as CSV or JSON.")
    row = max(reversed(tags), key=tags.__getitem__)

    def lines() -> Iterator[bytes]:
        for element in elements(file):
            if element.tag == row:
                yield orjson.dumps(dict(cells(element)), option=orjson.OPT_APPEND_NEWLINE)

    return rewritten(file, lines)


def refuse_lists(element: ElementTree.Element, file: str) -> None:
    """Refuse an element that holds records itself: only the last of them would be read.

    Raises:
        TransferProblem: naming it.
    """
    if len(element) > 1 and len({each.tag for each in element}) == 1:
        raise TransferProblem(
            f"{file} is XML whose records <{element[0].tag}> are inside of <{element.tag}>: write them below the root,"
            " or export them as CSV or JSON."
        )


def elements(file: File) -> Iterator[ElementTree.Element]:
    """Return the elements below the root, one at a time."""
    parser: ElementTree.XMLPullParser[ElementTree.Element] = ElementTree.XMLPullParser(("start", "end"))
    around: list[ElementTree.Element] = []
    try:
        for piece in file.read():
            parser.feed(piece)
            for event, element in cast("Iterator[tuple[str, ElementTree.Element]]", parser.read_events()):
                if event == "start":
                    around.append(element)
                    continue
                around.pop()
                if len(around) == 1:
                    yield element
                    around[0].clear()
        parser.close()
    except ElementTree.ParseError as error:
        raise TransferProblem(
            f"{file.name} is XML that cannot be read ({error}): export it again, or as CSV or JSON."
        ) from None


def cells(element: ElementTree.Element, prefix: str = "") -> Iterator[tuple[str, str]]:
    """Return the attributes and the texts of an element, those of inner elements with dots."""
    for name, value in element.attrib.items():
        yield prefix + name, value
    for inner in element:
        name = prefix + inner.tag.rpartition("}")[2]
        if len(inner) == 0:
            yield name, (inner.text or "").strip()
        yield from cells(inner, f"{name}.")


def rewritten(file: File, lines: Callable[[], Iterator[bytes]]) -> File:
    """Return a file as it is written anew."""

    def open_rewritten() -> IO[bytes]:
        return BufferedReader(Pieces(lines()), text.BLOCK_BYTES)

    return File(file.name, 0, open_rewritten)
