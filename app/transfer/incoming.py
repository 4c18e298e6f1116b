"""An import over HTTP: the rows of a body, and the answer to it."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from tempfile import SpooledTemporaryFile
from typing import Any, NamedTuple

import orjson

from app.database.engine import Database
from app.kit.errors import BodyStalled, DatabaseUnavailable, FieldProblem, InvalidRequest, PalateError
from app.ratings.scale import Scale
from app.transfer.body import Body
from app.transfer.importer import Importer, ItemImporter, RatingImporter, import_source
from app.transfer.problems import RefusedRow, TransferProblem
from app.transfer.reading.clean import parse_rescale
from app.transfer.reading.fields import FIELDS, parse_renames
from app.transfer.reading.readers import Source, ndjson_source, text_source

STATUSES = ("created", "updated", "unchanged", "stale", "refused")
MAX_REFUSED = 1_000_000  # rows; their lines wait on the disk until the body has come
IN_MEMORY_BYTES = 1024 * 1024  # of those lines
MAX_SHOWN = 500  # characters of a refused row that are repeated
NAME = "the body"
GZIP = b"\x1f\x8b"


class ImportRequest(NamedTuple):
    """What the caller says about the body."""

    form: str
    kind: str
    columns: list[str]
    rescale: str | None


class Answer:
    """The lines about refused rows, and the counts. The lines wait in a file that has no name."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.counts = Counter[str]()
        self._num_refused = 0
        self._lines = SpooledTemporaryFile(IN_MEMORY_BYTES)  # noqa: SIM115 - `lines` closes it, or its end does

    def write(self, rows: list[RefusedRow]) -> None:
        """Keep the lines about some rows.

        Raises:
            TransferProblem: if there are too many.
        """
        self._num_refused += len(rows)
        if self._num_refused > MAX_REFUSED:
            raise TransferProblem(f"more than {MAX_REFUSED:,} rows are refused, the last at line {rows[-1].line}.")
        try:
            self._lines.write(b"".join(refused_line(row, self.kind) for row in sorted(rows, key=lambda row: row.line)))
        except OSError as error:
            reason = f"there is no room here to tell more refused rows than {self._num_refused:,} ({error.strerror})"
            raise TransferProblem(f"{reason}, the last at line {rows[-1].line}: mend them, then send again.") from error

    def lines(self) -> Iterator[bytes]:
        """Return the answer, the counts last."""
        with self._lines as lines:
            lines.seek(0)
            while data := lines.read(IN_MEMORY_BYTES // 16):
                yield data
            yield self.last_line()

    def last_line(self) -> bytes:
        """Count what became of the rows."""
        counts = {"read": self.counts.total()} | {status: self.counts[status] for status in STATUSES}
        body = {"status": "complete", "kind": self.kind, "counts": counts}
        return orjson.dumps(body, option=orjson.OPT_APPEND_NEWLINE)

    def close(self) -> None:
        """Delete the lines."""
        self._lines.close()

    def describe_stored(self) -> str:
        """Describe what is stored although the import ended early."""
        num_rows = self.counts.total() - self.counts["refused"]
        again = "To send all of it again changes nothing in them"
        return f"{num_rows:,} rows before that are stored. {again}." if num_rows else "Nothing was stored."


def refused_line(row: RefusedRow, kind: str) -> bytes:
    """Describe a refused row."""
    values = row.row if isinstance(row.row, dict) else {}
    ids = {name: shorten(values.get(name)) for name in FIELDS[kind] if name.endswith("_id")}
    body = {"line": row.line} | ids | {"status": "refused", "errors": [field_problem(error) for error in row.errors]}
    return orjson.dumps(body, option=orjson.OPT_APPEND_NEWLINE)


def shorten(value: Any) -> Any:
    """Return the start of a text, any other value as it is."""
    return value[:MAX_SHOWN] if isinstance(value, str) else value


def field_problem(error: str) -> FieldProblem:
    """Split an error into the field and what is wrong with it; a sentence about the line names no field."""
    name, _, detail = error[:MAX_SHOWN].partition(" ")
    steps = name.rstrip(":").split(".")
    if steps[0] in FIELDS["ratings"] + FIELDS["items"]:
        return FieldProblem("/" + "/".join(steps), detail)
    return FieldProblem("/", error[:MAX_SHOWN].removeprefix(": "))


def import_body(database: Database, scale: Scale, body: Body, request: ImportRequest) -> Answer:
    """Import a body, in a thread of its own, batch by batch.

    Raises:
        InvalidRequest: if it cannot be read.
        BodyStalled: if it does not come.
        DatabaseUnavailable: if the database stays away.
    """
    with ExitStack() as closing:
        answer = Answer(request.kind)
        closing.callback(answer.close)
        import_or_report(database, scale, body, request=request, answer=answer)
        closing.pop_all()  # whoever sends the lines closes them
    return answer


def import_or_report(database: Database, scale: Scale, body: Body, *, request: ImportRequest, answer: Answer) -> None:
    """Import a body; an error says what is stored in spite of it."""
    try:
        asyncio.run(import_into(database, scale, body, request=request, answer=answer))
    except TransferProblem as error:
        detail = str(error)
        raise InvalidRequest(f"{detail} {answer.describe_stored()}", [FieldProblem(error.field, detail)]) from error
    except (BodyStalled, DatabaseUnavailable) as error:
        raise with_outcome(error, answer) from error


def with_outcome(error: PalateError, answer: Answer) -> PalateError:
    """Add to an error what is stored in spite of it."""
    if isinstance(error, BodyStalled):
        return BodyStalled(f"Nothing of the body came for a minute. {answer.describe_stored()}")
    return type(error)(f"The database does not answer: repeat the call in a moment. {answer.describe_stored()}")


async def import_into(database: Database, scale: Scale, body: Body, *, request: ImportRequest, answer: Answer) -> None:
    """Import a body in this thread's event loop. NDJSON of no rows is empty, CSV has a header at least."""
    if body.is_empty() and request.form == "ndjson":
        return
    if body.starts_with(GZIP):
        raise TransferProblem("the body is gzip: say so with Content-Encoding: gzip.", "Content-Encoding")
    source = source_of(body, request)
    async with database.apart() as apart:
        importer: Importer = (
            RatingImporter(apart, source, scale, parse_rescale(request.rescale))
            if request.kind == "ratings"
            else ItemImporter(apart, source)
        )
        await import_source(importer, source, counts=answer.counts, refused=answer, progress=lambda *_: None)


def source_of(body: Body, request: ImportRequest) -> Source:
    """Describe a body."""
    make = text_source if request.form == "csv" else ndjson_source
    return make(body.open, NAME, 0, request.kind, renames=parse_renames(request.columns), strict=True)
