"""Find out what a path holds: a file, a folder or a zip, of text, JSON or Parquet, compressed or not."""

import json
import shutil
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from io import BufferedReader
from pathlib import Path
from typing import IO

from app.transfer.layouts.layout import Layout
from app.transfer.layouts.names import field_of
from app.transfer.layouts.shapes import SHAPES
from app.transfer.options import Options, is_number
from app.transfer.problems import TransferProblem
from app.transfer.reading.describe import describe
from app.transfer.reading.fields import FIELDS, RATING_FIELDS
from app.transfer.reading.json_rows import DECODER, find_array, json_table
from app.transfer.reading.records import dicts_as_json, xml_as_json
from app.transfer.reading.streams import Pieces, codec_of, expand, utf16_of
from app.transfer.reading.tables import File, Opener, Source, Table, parquet_table, text_table
from app.transfer.reading.text import BLOCK_BYTES

FORMATS = ("auto", "csv", "dat", "ml-100k", "ndjson", "json", "parquet")
RATING_FILES = ("ratings.csv", "ratings.dat", "u.data", "ratings.ndjson", "ratings.parquet")
ITEM_FILES = ("movies.csv", "movies.dat", "u.item", "items.csv", "items.ndjson", "items.parquet")
WITHOUT_DATES = Layout(
    name="ratings between ::", columns=RATING_FIELDS[:3], fields={name: name for name in RATING_FIELDS[:3]},
    separator=b"::",
)  # fmt: skip
SQL = (b"-- mysql dump", b"-- mariadb dump", b"--\n-- postgresql", b"insert into", b"create table")
OTHER_MARKS = {
    b"ARROW1": "an Arrow or Feather file: save it as Parquet or CSV",
    b"ORC": "an ORC file: save it as Parquet or CSV",
    b"Obj\x01": "an Avro file: save it as Parquet or CSV",
    b"\x89HDF": "an HDF5 file: save the table as Parquet or CSV",
    b"\x93NUMPY": "a NumPy array: save the table as Parquet or CSV",
    b"\x80\x04": "a pickle of Python's: save the table as Parquet or CSV",
    b"\x80\x05": "a pickle of Python's: save the table as Parquet or CSV",
    b"RDX": "R's own file: save the table with write.csv",
    b"7z\xbc\xaf": "a 7z archive: unpack it",
    b"Rar!": "a RAR archive: unpack it",
    b"%PDF": "a PDF: save the table as CSV",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook: save the table as CSV",
    b"SQLite format 3": "an SQLite file: save the table as CSV",
    b"PK\x03\x04": "a zip archive, inside of another file or cut off: unpack it",
}
HEAD_BYTES = 4_096
PACKED = {".gz", ".bz2", ".xz", ".zst"}
PYTHON, XML = "Python's dicts", "XML"
REWRITES = {PYTHON: dicts_as_json, XML: xml_as_json}
STARTS = {PYTHON: (b"{'", b"{u'", b'{u"'), XML: (b"<",), "ndjson": (b"{", b"[")}


def find_sources(path: Path, items: Path | None, options: Options) -> list[Source]:
    """List what to import, items first, so that ratings find their items.

    Raises:
        TransferProblem: if nothing there can be read.
    """
    files, left_out = list_files(path)
    sources = [source for file in files for source in sources_of(file, options, None)]
    sources[-1].notes.extend(f"{name} is not read: name it itself" for name in left_out)
    if items is not None:
        sources = [source for source in sources if source.kind == "ratings"]
        for file in list_files(items, ITEM_FILES)[0]:
            sources += sources_of(file, Options(), "items")
    return sorted(sources, key=lambda source: source.kind)


def list_files(path: Path, wanted: tuple[str, ...] = RATING_FILES + ITEM_FILES) -> tuple[list[File], list[str]]:
    """List the files to read at a path, and the names of those beside them that are not read."""
    if str(path) == "-":
        path = Path("/dev/stdin")
    if not path.exists():
        raise TransferProblem(f"There is no file or folder {path}.")
    if path.is_dir():
        members = [plain_file(member) for member in sorted(path.iterdir()) if bare_name(member.name) in wanted]
    elif path.is_file() and zipfile.is_zipfile(path):
        members = list(zip_members(path, wanted))
    else:
        return [plain_file(path) if path.is_file() else spooled_file(path)], []
    if path.is_file() and len(members) == 1:
        return members, []
    chosen = [first for names in (RATING_FILES, ITEM_FILES) if (first := first_of(members, names))]
    if not chosen:
        raise TransferProblem(f"{path} holds none of {', '.join(wanted)}: name the file itself.")
    read = {file.name for file in chosen}
    return chosen, [file.name for file in members if file.name not in read and "/deleted/" not in file.name]


def first_of(files: list[File], names: tuple[str, ...]) -> File | None:
    """Return the first of the named files that is there; of several of a name, the one that lies highest."""
    by_name = {bare_name(file.name): file for file in sorted(files, key=lambda file: -file.name.count("/"))}
    return next((by_name[name] for name in names if name in by_name), None)


def bare_name(path: str) -> str:
    """Return a file's name in lower case, without what it is compressed with."""
    name = Path(path.lower())
    return name.stem if name.suffix in PACKED else name.name


def plain_file(path: Path) -> File:
    """Describe a file of the disk."""
    return expanded(File(str(path), path.stat().st_size, lambda: path.open("rb")))


def spooled_file(path: Path) -> File:
    """Describe what comes through a pipe, which is kept on the disk, as it is read more than once."""
    kept = tempfile.NamedTemporaryFile(prefix="palate-import-")  # noqa: SIM115 - it lives as long as what opens it
    with path.open("rb") as pipe:
        shutil.copyfileobj(pipe, kept)
    kept.flush()

    def open_kept() -> IO[bytes]:
        return Path(kept.name).open("rb")

    return expanded(File(str(path), Path(kept.name).stat().st_size, open_kept))


def expanded(file: File) -> File:
    """Describe a file as what is in it, if it is compressed."""
    with file.open() as stream:
        codec = codec_of(stream.read(8))
    if codec is None:
        return file

    def open_expanded() -> IO[bytes]:
        return BufferedReader(Pieces(expand(file.read(), file.name)), BLOCK_BYTES)

    return File(file.name, 0, open_expanded)


def zip_members(path: Path, wanted: tuple[str, ...]) -> Iterator[File]:
    """Describe the files of a zip: those that are wanted, or the only one."""
    with zipfile.ZipFile(path) as archive:
        members = [member for member in archive.infolist() if not member.is_dir() and not is_of_a_mac(member.filename)]
        if "[Content_Types].xml" in archive.namelist():
            raise TransferProblem(f"{path} is an Excel workbook, or another office file: save the table as CSV.")
        named = [member for member in members if bare_name(member.filename) in wanted]
        for member in named or members:
            if named or len(members) == 1:
                yield expanded(File(f"{path}/{member.filename}", member.file_size, zip_opener(path, member.filename)))


def is_of_a_mac(name: str) -> bool:
    """Return whether a member of a zip is none of its files, but what macOS notes about them."""
    return name.startswith("__MACOSX/") or Path(name).name in {".DS_Store", "Thumbs.db"}


def zip_opener(path: Path, name: str) -> Opener:
    """Return what opens a member of a zip.

    Raises:
        TransferProblem: when it is read, if it is encrypted, damaged, or compressed in a way that is not known.
    """

    def pieces() -> Iterator[bytes]:
        try:
            with zipfile.ZipFile(path) as archive, archive.open(name) as member:
                while data := member.read(BLOCK_BYTES):
                    yield data
        except (zipfile.BadZipFile, RuntimeError, NotImplementedError, EOFError, zlib.error) as error:  # zipfile's
            raise TransferProblem(f"{path}/{name} cannot be read ({error}): unpack it, and name the file.") from None

    return lambda: BufferedReader(Pieces(pieces()), BLOCK_BYTES)


def sources_of(file: File, options: Options, kind: str | None) -> list[Source]:
    """Describe a file by its format, found out if need be.

    Raises:
        TransferProblem: if it cannot be read.
    """
    return describe(file, table_of(file, options, kind), options, kind)


def table_of(file: File, options: Options, kind: str | None) -> Table:
    """Describe a file as a table."""
    with file.open() as stream:
        head = stream.read(HEAD_BYTES)
    form = guess_format(file.name, head) if options.form == "auto" else options.form
    if form == "parquet" and file.is_strict:
        raise TransferProblem(f"{file.name} is Parquet: send CSV or JSON, or use the command.")
    if form == "parquet":
        return parquet_table(file)
    if rewrite := REWRITES.get(form):
        if file.is_strict:
            raise TransferProblem(f"{file.name} is {form}: send JSON, or use the command.")
        file, form = rewrite(file), "ndjson"
    if form in {"ndjson", "json"}:
        is_array = form == "json" or is_json_array(head)
        later = {name: name for name in FIELDS[kind or options.kind or "ratings"]}
        return json_table(file, later, is_array=is_array)
    if form not in FORMATS:
        raise TransferProblem(f"--format {form} is not known: choose one of {', '.join(FORMATS)}.")
    is_plain = form == "csv" or options.positions or not options.has_header
    return text_table(file, options, None if is_plain else known_layout(form, file.name, head))


def guess_format(name: str, head: bytes) -> str:
    """Return the format by the file's start, then by its name.

    Raises:
        TransferProblem: if it is none that can be read.
    """
    if head[:4] == b"PAR1":
        return "parquet"
    plain = readable_head(head)
    start = plain.lstrip(b"\xef\xbb\xbf \t\r\n")
    if problem := foreign_problem(head, start):
        raise TransferProblem(f"{name} is {problem}.")
    if form := next((form for form, marks in STARTS.items() if start.startswith(marks)), None):
        return "json" if form == "ndjson" and (is_json_array(head) or is_over_lines(head)) else form
    line = plain.split(b"\n", 1)[0]
    if b"::" in line:
        return "dat"
    if Path(name).name in {"u.data", "u.item"}:
        return "ml-100k"
    if b"\x00" in line:
        raise TransferProblem(f"{name} is no text and no Parquet file: give CSV, NDJSON, Parquet or MovieLens files.")
    return "csv"


def foreign_problem(head: bytes, start: bytes) -> str | None:
    """Describe a file that is none of ours by its first bytes, or its first ones in UTF-8, and what to do."""
    if kind := next((kind for mark, kind in OTHER_MARKS.items() if head.startswith(mark)), None):
        return kind
    if codec := codec_of(head):
        return f"compressed twice, with {codec} inside: unpack it once"
    if start[:20].lower().startswith(SQL):
        return "a dump of SQL: export the table as CSV, e.g. with COPY or mysql --batch"
    if head[257:262] == b"ustar":
        return "a tar archive: unpack it, and name a file or the folder"
    if start[:14].lower().startswith((b"<!doctype html", b"<html")):
        return "a web page: download the file itself, and sign in first if that is needed"
    return None


def readable_head(head: bytes) -> bytes:
    """Return the start of a file in UTF-8, as far as it is UTF-16."""
    encoding = utf16_of(head)
    return head.decode(encoding, "ignore").encode() if encoding else head


def is_json_array(head: bytes) -> bool:
    """Return whether JSON is not one object a line: an array, or an object over several lines."""
    text = readable_head(head).decode("utf-8", "ignore").lstrip("\ufeff \t\r\n")
    first = text.split("\n", 1)[0].strip()
    return first == "{" or bool(find_array(text))


def is_over_lines(head: bytes) -> bool:
    """Return whether objects of JSON do not stand on one line each: they go over several, or share one."""
    data = readable_head(head).decode("utf-8", "ignore").lstrip("\ufeff \t\r\n")
    first, _, others = data.partition("\n")
    try:
        _, end = DECODER.raw_decode(data)
    except json.JSONDecodeError as error:
        return len(first) < error.pos and others.lstrip()[:1] not in {"{", ""}
    except RecursionError:
        return False
    behind = data[end : len(first)].strip()
    return end > len(first) or behind == "," or behind.lstrip(" \t,").startswith("{")


def is_without_dates(head: bytes) -> bool:
    """Return whether lines hold user, item and value between `::`: films have words in the third place."""
    lines = head.split(b"\n")[:-1] or [head]
    cells = [line.decode(errors="replace").strip().split("::") for line in lines if line.strip()]
    return all(len(row) == 3 and is_number(row[2]) for row in cells)


def known_layout(form: str, name: str, head: bytes) -> Layout | None:
    """Return the layout of MovieLens's older files, by the number of columns.

    Raises:
        TransferProblem: if the first line has another one.
    """
    if form not in {"dat", "ml-100k"}:
        return None
    line = readable_head(head).split(b"\n", 1)[0].rstrip(b"\r")
    if form == "dat" and len({*map(field_of, line.decode(errors="replace").split("::"))} - {None}) > 1:
        return None  # a header
    if form == "dat" and is_without_dates(readable_head(head)):
        return WITHOUT_DATES
    layouts = [
        shape
        for shape in SHAPES
        if shape.name.startswith("MovieLens") and (shape.separator == b"::") == (form == "dat")
    ]
    for layout in layouts:
        if len(line.split(layout.separator)) == len(layout.columns):
            return layout
    expected = " or ".join(layout.separator.decode().join(layout.columns[:4]) for layout in layouts)
    raise TransferProblem(f"{name}: the first line is not {expected!r}.")
