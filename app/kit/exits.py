"""How a command ends that cannot do its work: one line a problem, and the exit code."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from app.kit.errors import DatabaseUnavailable, PalateError

if TYPE_CHECKING:
    from pydantic import ValidationError

FAILED, REFUSED = 1, 2


@contextmanager
def one_line_errors() -> Iterator[None]:
    """End the process with one line for an expected error, and for each setting that is wrong."""
    try:
        yield
    except DatabaseUnavailable as error:
        leave(f"palate: {describe_unavailable(error)}", FAILED if error.was_reached else REFUSED)
    except PalateError as error:
        leave(f"palate: {error.detail}", FAILED)
    except UnicodeDecodeError as error:
        leave(f"palate: the file .env is not UTF-8 ({error.reason} at byte {error.start}): save it in UTF-8", REFUSED)
    except ValueError as error:  # pydantic's, which is loaded if a setting is wrong
        from pydantic import ValidationError

        if not isinstance(error, ValidationError):
            raise
        leave(describe_settings(error), REFUSED)
    except PermissionError as error:
        leave(f"palate: {error.filename}: {(error.strerror or str(error)).lower()}", REFUSED)


def leave(message: str, code: int) -> None:
    """End the process."""
    print(message, file=sys.stderr)  # noqa: T201
    sys.exit(code)


def describe_unavailable(error: DatabaseUnavailable) -> str:
    """Return why there is no database, and which setting says where it is."""
    return str(error) if error.was_reached else f"the database cannot be used (PALATE_DATABASE_URL): {error.cause}"


def describe_settings(error: "ValidationError") -> str:
    """Return the invalid settings, each with its problem."""
    lines = (f"palate: {setting_name(fault['loc'])}: {fault['msg']}" for fault in error.errors())
    return "\n".join(line.replace(": Value error, ", ": ", 1) for line in lines)


def setting_name(location: tuple[int | str, ...]) -> str:
    """Return the name of a setting's environment variable, or of the file that it stands in."""
    if location and str(location[0]).endswith(".env"):
        return str(location[0])
    return f"PALATE_{location[0]}".upper() if location else "settings"
