"""An import over HTTP: the rows of a body, and the answer to it."""

import asyncio
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from tempfile import SpooledTemporaryFile
from typing import Any, NamedTuple

import orjson

from app.catalogue.repository import read_titles
from app.database.engine import Database
from app.keep_out.service import KeepOut
from app.kit.errors import BodyStalled, DatabaseUnavailable, FieldProblem, InvalidRequest, OutcomeUnknown, PalateError
from app.ratings.scale import Scale
from app.transfer.body import Body
from app.transfer.cleaning.matching import Titles, match
from app.transfer.importer import (
    NO_ROWS,
    OF_REQUESTS,
    UNRATED,
    DryRun,
    count_problem,
    dry_run,
    import_source,
    importer_of,
)
from app.transfer.options import Options, parse_options
from app.transfer.problems import RefusedRow, TransferProblem
from app.transfer.reading.fields import FIELDS
from app.transfer.reading.sources import sources_of
from app.transfer.reading.tables import File, Source

RARE_STATUSES = ("taken", UNRATED)
STATUSES = ("created", "updated", "unchanged", "stale", "refused")
MAX_REFUSED = 1_000_000  # rows; their lines wait on the disk until the body has come
IN_MEMORY_BYTES = 1024 * 1024  # of those lines
KEPT_BYTES = 64 * 1024  # of those lines, with an Idempotency-Key
MAX_TOLD = 20  # refused rows in a problem
MAX_SHOWN = 500  # characters of a refused row that are repeated
NAME = "the body"


class ImportRequest(NamedTuple):
    """What the caller says about the body."""

    form: str
    kind: str
    is_dry_run: bool
    options: dict[str, Any]

    def parse(self) -> Options:
        """Read the parameters."""
        return parse_options(form=self.form, kind=self.kind, **self.options)


class Answer:
    """The lines about refused rows, and the counts. The lines wait in a file that has no name."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.counts = Counter[str]()
        self.source: Source | None = None
        self.dry_run: DryRun | None = None
        self.first_refused: list[RefusedRow] = []
        self._num_refused = 0
        self._lines = SpooledTemporaryFile(IN_MEMORY_BYTES)  # noqa: SIM115 - `lines` closes it, or its end does

    def write(self, rows: list[RefusedRow]) -> None:
        """Keep the lines about some rows.

        Raises:
            TransferProblem: if there are too many.
        """
        self._num_refused += len(rows)
        self.first_refused += rows[: MAX_TOLD - len(self.first_refused)]
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

    def text(self) -> str:
        """Return the answer as it is kept: refused rows that take more than `KEPT_BYTES` are left out."""
        self._lines.seek(0)
        first = self._lines.read(KEPT_BYTES)
        return (first[: first.rfind(b"\n") + 1] + self.last_line()).decode()

    def last_line(self) -> bytes:
        """Count what became of the rows."""
        counts = {"read": self.counts.total()} | {status: self.counts[status] for status in STATUSES}
        counts |= {status: self.counts[status] for status in RARE_STATUSES if self.counts[status]}
        body: dict[str, Any] = {
            "status": "dry-run" if self.dry_run else "complete",
            "kind": self.kind,
            "counts": counts,
        }
        if self.source and self.source.notes:
            body["notes"] = [*map(in_parameters, self.source.notes)]
        if self.dry_run and self.source:
            body |= {"columns": self.source.used, "rows": self.dry_run.rows}
        return orjson.dumps(body, option=orjson.OPT_APPEND_NEWLINE | orjson.OPT_UTC_Z)

    def check(self, max_refused: float) -> None:
        """Stop if the import is no success.

        Raises:
            InvalidRequest: naming the first refused rows.
        """
        if not self.counts:
            raise InvalidRequest(NO_ROWS)
        if problem := count_problem(self.kind, self.counts, max_refused, is_dry_run=self.dry_run is not None):
            told = [replace_field(each, row.line) for row in self.first_refused for each in row.errors]
            detail = in_parameters(f"{problem} The first refused rows are in errors; max_refused=1 lists all of them.")
            raise InvalidRequest(detail, told)

    def close(self) -> None:
        """Delete the lines."""
        self._lines.close()

    def describe_stored(self) -> str:
        """Describe what is stored although the import ended early."""
        num_rows = self.counts.total() - self.counts["refused"]
        again = "To send all of it again changes nothing in them"
        return f"{num_rows:,} rows before that are stored. {again}." if num_rows else "Nothing was stored."

    def describe_unknown(self) -> str:
        """Describe what may be stored, after the answer to a batch was lost."""
        num_rows = self.counts.total() - self.counts["refused"]
        return f"{num_rows:,} rows before that are stored, and these may be. To send all of it again is harmless."


def refused_line(row: RefusedRow, kind: str) -> bytes:
    """Describe a refused row."""
    values = row.row if isinstance(row.row, dict) else {}
    ids = {name: shorten(values.get(name)) for name in FIELDS[kind] if name.endswith("_id")}
    body = {"line": row.line} | ids | {"status": "refused", "errors": [field_problem(error) for error in row.errors]}
    return orjson.dumps(body, option=orjson.OPT_APPEND_NEWLINE)


def replace_field(error: str, line: int) -> FieldProblem:
    """Describe an error of a row that is not in the answer by its line."""
    problem = field_problem(error)
    return FieldProblem(problem["field"], f"line {line}: {problem['detail']}")


def in_parameters(text: str) -> str:
    """Write the options in a sentence as parameters: --date-order dmy as date_order=dmy."""
    text = text.replace("\n  ", " | ").replace("--no-header --", "--header false --")
    return re.sub(r"--([a-z-]+)( (?=[^ ]))?", lambda found: found[1].replace("-", "_") + "=" * bool(found[2]), text)


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


def import_body(database: Database, scale: Scale, body: Body, request: ImportRequest, *, keep_out: KeepOut) -> Answer:
    """Import a body, in a thread of its own, batch by batch.

    Raises:
        InvalidRequest: if it cannot be read.
        BodyStalled: if it does not come.
        DatabaseUnavailable: if the database stays away.
    """
    with ExitStack() as closing:
        answer = Answer(request.kind)
        closing.callback(answer.close)
        import_or_report(database, scale, body, request=request, answer=answer, keep_out=keep_out)
        closing.pop_all()  # whoever sends the lines closes them
    return answer


def import_or_report(
    database: Database, scale: Scale, body: Body, *, request: ImportRequest, answer: Answer, keep_out: KeepOut
) -> None:
    """Import a body; an error says what is stored in spite of it."""
    try:
        asyncio.run(import_into(database, scale, body, request=request, answer=answer, keep_out=keep_out))
    except TransferProblem as error:
        detail = in_parameters(str(error))
        raise InvalidRequest(f"{detail} {answer.describe_stored()}", [FieldProblem(error.field, detail)]) from error
    except (BodyStalled, DatabaseUnavailable) as error:
        raise with_outcome(error, answer) from error


def with_outcome(error: PalateError, answer: Answer) -> PalateError:
    """Add to an error what is stored in spite of it."""
    if isinstance(error, BodyStalled):
        return BodyStalled(f"Nothing of the body came for a minute. {answer.describe_stored()}")
    if isinstance(error, OutcomeUnknown):
        return OutcomeUnknown(f"The database was lost while it stored rows. {answer.describe_unknown()}")
    if type(error) is not DatabaseUnavailable:
        return type(error)(f"{error.title().split('; nothing was stored')[0]}. {answer.describe_stored()}")
    return DatabaseUnavailable(f"The database does not answer: repeat the call in a moment. {answer.describe_stored()}")


async def import_into(
    database: Database, scale: Scale, body: Body, *, request: ImportRequest, answer: Answer, keep_out: KeepOut
) -> None:
    """Import a body in this thread's event loop. NDJSON of no rows is empty, CSV has a header at least."""
    options = request.parse()
    if body.is_empty() and request.form == "ndjson":
        return
    [source] = sources_of(File(NAME, 0, body.open, is_strict=True), options, request.kind)
    body.begin()
    answer.source = source
    async with database.apart() as apart:
        if options.match_titles:
            source = match(source, Titles(await apart.scan(read_titles)))
        if request.is_dry_run:
            run = answer.dry_run = dry_run(apart, source, scale, options, keep_out=keep_out)
            await import_source(run, source, counts=answer.counts, refused=answer, progress=lambda *_: None)
        else:
            importer = importer_of(apart, source, scale, options, keep_out=keep_out, patience=OF_REQUESTS)
            await import_source(
                importer,
                source,
                counts=answer.counts,
                refused=answer,
                progress=lambda *_: None,
                stop_reading=body.stop,
            )
    answer.check(options.max_refused)
