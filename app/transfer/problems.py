"""What can go wrong with a file."""

from typing import Any, NamedTuple

OTHER_COLUMNS = "the line does not have"  # as many columns as the others
MAX_REFUSED = 0.01  # the share of refused rows that an import may have: decision 24


class TransferProblem(Exception):
    """The file cannot be read or written; the message says what to do, ``field`` names the option that is wrong."""

    def __init__(self, message: str, field: str = "/") -> None:
        super().__init__(message)
        self.field = field


class RefusedRow(NamedTuple):
    """A row that is not stored: where it stands, what it says, and why."""

    file: str
    line: int
    row: Any
    errors: list[str]

    def as_dict(self) -> dict[str, Any]:
        """Return the row as it is written to the file of refused rows."""
        return self._asdict()
