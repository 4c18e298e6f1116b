"""What became of an import."""

from collections.abc import Iterator
from tempfile import SpooledTemporaryFile
from weakref import finalize

import httpx2
from pydantic import TypeAdapter, ValidationError

from palate_client.answer import REQUEST_ID, named
from palate_client.answers import ImportCounts, ImportDone, ImportRefusal
from palate_client.errors import UnexpectedAnswer

IN_MEMORY_BYTES = 1024 * 1024  # of the lines about refused rows; more wait on the disk
TAIL_BYTES = 64 * 1024  # of an answer, its last line in it
DONE, REFUSAL = TypeAdapter(ImportDone), TypeAdapter(ImportRefusal)


class Lines:
    """The answer to an import, kept in a file without a name."""

    def __init__(self) -> None:
        self._file = SpooledTemporaryFile(IN_MEMORY_BYTES)  # noqa: SIM115 - closed when nobody holds the lines
        finalize(self, self._file.close)

    def take(self, data: bytes) -> None:
        """Keep what comes."""
        self._file.write(data)

    def done(self, request: httpx2.Request) -> ImportDone:
        """Read the last line.

        Raises:
            UnexpectedAnswer: if it is not that of a complete import.
        """
        self._file.seek(max(0, self._file.tell() - TAIL_BYTES))
        try:
            return DONE.validate_json(self._file.read().rstrip(b"\n").rpartition(b"\n")[2])
        except ValidationError as error:
            raise UnexpectedAnswer(f"{named(request)}: {error}", request.headers[REQUEST_ID]) from error

    def refusals(self, number: int) -> Iterator[ImportRefusal]:
        """Read the first lines; others may do so meanwhile."""
        position = 0
        for _ in range(number):
            self._file.seek(position)
            refusal = REFUSAL.validate_json(self._file.readline())
            position = self._file.tell()
            yield refusal


class Imported:
    """A complete import. Rows stored before a broken connection, and sent again, count as `unchanged`.

    Attributes:
        counts: how many rows ended how; `counts.refused` of them are in `refused`.
    """

    def __init__(self, counts: ImportCounts, lines: Lines) -> None:
        self.counts = counts
        self._lines = lines

    @property
    def refused(self) -> Iterator[ImportRefusal]:
        """The refused rows in the order of the file, each with the fields to mend; from the first one each time."""
        return self._lines.refusals(self.counts.refused)

    def __repr__(self) -> str:
        return f"Imported({', '.join(f'{name}={number}' for name, number in self.counts)})"
