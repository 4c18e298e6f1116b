"""Find out what a path holds: a file, a folder or a zip of MovieLens, MovieTweetings, CSV, NDJSON or Parquet."""

import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, NamedTuple

from app.transfer.problems import TransferProblem
from app.transfer.reading.readers import Opener, Source, ndjson_source, parquet_source, plain_source, text_source
from app.transfer.reading.text import Layout

FORMATS = ("auto", "csv", "dat", "ml-100k", "ndjson", "parquet")
GENRES = (  # the flags at the end of a line of u.item
    "unknown",
    "Action",
    "Adventure",
    "Animation",
    "Children's",
    "Comedy",
    "Crime",
    "Documentary",
    "Drama",
    "Fantasy",
    "Film-Noir",
    "Horror",
    "Musical",
    "Mystery",
    "Romance",
    "Sci-Fi",
    "Thriller",
    "War",
    "Western",
)
RATING_NAMES = ["user_id", "item_id", "value", "rated_at"]
RATINGS_DAT = Layout(b"::", RATING_NAMES, quoted=False)
ITEMS_DAT = Layout(b"::", ["item_id", "title", "categories"], quoted=False)
RATINGS_100K = Layout(b"\t", RATING_NAMES, quoted=False)
ITEMS_100K = Layout(b"|", ["item_id", "title", "released", "video", "url", *GENRES], quoted=False)
RATING_FILES = ("ratings.csv", "ratings.dat", "u.data", "ratings.ndjson", "ratings.parquet")
ITEM_FILES = ("movies.csv", "movies.dat", "u.item", "items.csv", "items.ndjson", "items.parquet")


class File(NamedTuple):
    """Something that can be opened, from the start, more than once."""

    name: str
    num_bytes: int
    open: Opener

    def head(self) -> bytes:
        """Return the start of the file."""
        with self.open() as stream:
            return stream.read(4_096)


def find_sources(path: Path, form: str, items: Path | None, renames: Mapping[str, str]) -> list[Source]:
    """List what to import, items first, so that ratings find their items.

    Raises:
        TransferProblem: if nothing there can be read.
    """
    sources = [source_of(file, form, None, renames) for file in list_files(path)]
    if items is not None:
        sources = [source for source in sources if source.kind == "ratings"]
        sources += [source_of(file, "auto", "items", renames) for file in list_files(items, ITEM_FILES)]
    return sorted(sources, key=lambda source: source.kind)


def list_files(path: Path, wanted: tuple[str, ...] = RATING_FILES + ITEM_FILES) -> list[File]:
    """List the files to read at a path."""
    if not path.exists():
        raise TransferProblem(f"There is no file or folder {path}.")
    if path.is_dir():
        members = [plain_file(member) for member in sorted(path.iterdir()) if member.name in wanted]
    elif zipfile.is_zipfile(path):
        members = list(zip_members(path, wanted))
    else:
        return [plain_file(path)]
    chosen = [first for names in (RATING_FILES, ITEM_FILES) if (first := first_of(members, names))]
    if not chosen:
        raise TransferProblem(f"{path} holds none of {', '.join(wanted)}: name the file itself.")
    return chosen


def first_of(files: list[File], names: tuple[str, ...]) -> File | None:
    """Return the first of the named files that is there."""
    by_name = {Path(file.name).name: file for file in files}
    return next((by_name[name] for name in names if name in by_name), None)


def plain_file(path: Path) -> File:
    """Describe a file of the disk."""
    return File(str(path), path.stat().st_size, lambda: path.open("rb"))


def zip_members(path: Path, wanted: tuple[str, ...]) -> Iterator[File]:
    """Describe the files of a zip."""
    with zipfile.ZipFile(path) as archive:
        for member in archive.infolist():
            if Path(member.filename).name in wanted:
                yield File(f"{path}/{member.filename}", member.file_size, zip_opener(path, member.filename))


def zip_opener(path: Path, name: str) -> Opener:
    """Open a member of a zip; closing it closes the zip."""

    def open_member() -> IO[bytes]:
        with zipfile.ZipFile(path) as archive:
            return archive.open(name)

    return open_member


def source_of(file: File, form: str, kind: str | None, renames: Mapping[str, str]) -> Source:
    """Describe a file by its format, found out if need be."""
    head = file.head()
    form = guess_format(file.name, head) if form == "auto" else form
    if form in {"dat", "ml-100k"}:
        layout, kind = known_layout(form, file.name, head)
        return plain_source(file.open, file.name, file.num_bytes, kind, layout=layout)
    makers = {"csv": text_source, "ndjson": ndjson_source, "parquet": parquet_source}
    if form not in makers:
        raise TransferProblem(f"--format {form} is not known: choose one of {', '.join(FORMATS)}.")
    return makers[form](file.open, file.name, file.num_bytes, kind, renames=renames)


def guess_format(name: str, head: bytes) -> str:
    """Return the format by the file's start, then by its name."""
    line = head.split(b"\n", 1)[0]
    if head[:4] == b"PAR1":
        return "parquet"
    if line.lstrip(b"\xef\xbb\xbf \t").startswith(b"{"):
        return "ndjson"
    if b"::" in line:
        return "dat"
    if Path(name).name in {"u.data", "u.item"}:
        return "ml-100k"
    if b"\x00" in head:
        raise TransferProblem(f"{name} is no text and no Parquet file: give CSV, NDJSON, Parquet or MovieLens files.")
    return "csv"


def known_layout(form: str, name: str, head: bytes) -> tuple[Layout, str]:
    """Return the columns of a file without a header, and whether it holds ratings or items.

    Raises:
        TransferProblem: if its lines have another number of columns.
    """
    line = head.split(b"\n", 1)[0]
    layouts = (RATINGS_DAT, ITEMS_DAT) if form == "dat" else (RATINGS_100K, ITEMS_100K)
    for layout, kind in zip(layouts, ("ratings", "items"), strict=True):
        if len(line.split(layout.separator)) == len(layout.names):
            return layout, kind
    expected = " or ".join(layout.separator.decode().join(layout.names[:4]) for layout in layouts)
    raise TransferProblem(f"{name}: the first line is not {expected!r}.")
