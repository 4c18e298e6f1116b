"""The result of an import."""

from collections.abc import Iterator
from tempfile import SpooledTemporaryFile
from weakref import finalize

import httpx2
from pydantic import TypeAdapter, ValidationError

from palate_client.answers import ImportCounts, ImportDone, ImportRefusal
from palate_client.response import unexpected_answer

IN_MEMORY_BYTES = 1024 * 1024  # of the lines about refused rows; more wait on the disk
TAIL_BYTES = 64 * 1024  # of an answer, its last line in it
DONE, REFUSAL = TypeAdapter(ImportDone), TypeAdapter(ImportRefusal)


class ImportLog:
    """The answer to an import, kept in a file without a name."""

    def __init__(self) -> None:
        self._file = SpooledTemporaryFile(IN_MEMORY_BYTES)  # noqa: SIM115 - closed when the log is not in use any more
        finalize(self, self._file.close)

    def write(self, data: bytes) -> None:
        """Keep a piece of the answer."""
        self._file.write(data)

    def read_result(self, request: httpx2.Request) -> ImportDone:
        """Return what the last line reports.

        Raises:
            UnexpectedAnswer: if it is not that of a complete import.
        """
        self._file.seek(max(0, self._file.tell() - TAIL_BYTES))
        try:
            return DONE.validate_json(self._file.read().rstrip(b"\n").rpartition(b"\n")[2])
        except ValidationError as error:
            raise unexpected_answer(request, error) from error

    def refusals(self, number: int) -> Iterator[ImportRefusal]:
        """Yield the refused rows, which come first; several callers may read at once."""
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

    def __init__(self, counts: ImportCounts, log: ImportLog) -> None:
        self.counts = counts
        self._log = log

    @property
    def refused(self) -> Iterator[ImportRefusal]:
        """The refused rows in the order of the file, each with the fields to mend; from the first one each time."""
        return self._log.refusals(self.counts.refused)

    def __repr__(self) -> str:
        return f"Imported({', '.join(f'{name}={number}' for name, number in self.counts)})"
