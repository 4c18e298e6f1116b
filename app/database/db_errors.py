"""What an error of the database means: it is lost, it wants another attempt, its tables are old, or it is a bug."""

from typing import Any

from sqlalchemy.exc import InterfaceError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from app.kit.errors import (
    DatabaseBusy,
    DatabaseDamaged,
    DatabaseForbidden,
    DatabaseNotUnicode,
    DatabaseReadOnly,
    DatabaseUnavailable,
    PalateError,
    SchemaOutdated,
)

HIDDEN: dict[str, Any] = {"hide_parameters": True}  # an error is logged, and a parameter may be the id of a user
DEADLOCK_CODES = {"40001", "40P01"}
BUSY_CODES = {"55P03", "57014"}  # a lock or a statement took longer than it may
LOST_SQLSTATE_CLASSES = {"08", "53", "57", "58"}  # connection, resources, operator intervention, the system's errors
LOST_CODES = {"25P03", "25P04"}  # ended by the server: the transaction stood still, or took too long
BUSY_SQLITE_ERRORS = ("SQLITE_BUSY", "SQLITE_LOCKED")
LOST_SQLITE_ERRORS = ("SQLITE_FULL", "SQLITE_IOERR")
DAMAGED_SQLITE_ERRORS = ("SQLITE_CORRUPT", "SQLITE_NOTADB")
READ_ONLY = "25006"  # as after a failover: this server is not the one to write to any more
LEFT_CODES = {READ_ONLY, *LOST_CODES}  # the connection is not to be used again
STATEMENT_CODES = {"26000", "42P05"}  # a prepared statement is gone, or there already: another connection than before
FORBIDDEN = {"42501", "3F000"}  # a privilege is missing, or the schema of search_path
UNTRANSLATABLE = "22P05"  # text that the database's encoding lacks
POOLER = "a pooler such as PgBouncer stands before the database: add pgbouncer=true to its address"


def is_deadlock(error: BaseException) -> bool:
    """Return whether the database rolled a transaction back so that another could go on."""
    return getattr(getattr(error, "orig", None), "sqlstate", None) in DEADLOCK_CODES


def is_disconnect(error: BaseException) -> bool:
    """Return whether the connection is lost."""
    lost = getattr(error, "connection_invalidated", False) or isinstance(error, OSError | InterfaceError)
    return bool(lost) or getattr(getattr(error, "orig", error), "sqlstate", None) in LEFT_CODES


def translate_error(error: BaseException) -> BaseException:
    """Translate the loss of the database; any other error stays what it is."""
    cause = getattr(error, "orig", None) or error
    words = " ".join(str(cause.__cause__ or cause).split())  # SQLAlchemy puts a class before the driver's words
    code, name = getattr(cause, "sqlstate", None) or "", getattr(cause, "sqlite_errorname", "")
    if known := of_postgresql(code, words) or of_sqlite(name, words):
        return known
    if is_busy(error, cause):
        return DatabaseBusy(cause=words)
    if is_lost(error, cause):
        return DatabaseUnavailable(cause=words)
    return SchemaOutdated() if is_outdated(cause) else error


def of_postgresql(code: str, words: str) -> PalateError | None:
    """Return what an error of PostgreSQL means that waiting does not mend."""
    if code in STATEMENT_CODES:
        return DatabaseUnavailable(cause=f"{words}; {POOLER}", is_lasting=True, was_reached=False)
    if code in FORBIDDEN:
        return DatabaseForbidden(cause=f"{words}: grant it to the role that Palate uses, or create it", is_lasting=True)
    if code == READ_ONLY:
        return DatabaseReadOnly(cause=words)
    return DatabaseNotUnicode() if code == UNTRANSLATABLE else None


def of_sqlite(name: str, words: str) -> PalateError | None:
    """Return what an error of SQLite means that waiting does not mend."""
    if name.startswith("SQLITE_READONLY"):
        return DatabaseReadOnly(cause=words, is_lasting=True, was_reached=False)
    if name.startswith(DAMAGED_SQLITE_ERRORS):
        return DatabaseDamaged(cause=words, is_lasting=True, was_reached=False)
    if name.startswith("SQLITE_CANTOPEN"):
        return DatabaseUnavailable(cause=words, is_lasting=True, was_reached=False)
    return None


def is_outdated(cause: BaseException) -> bool:
    """Return whether a table or column is missing: the migrations have not run."""
    missing = getattr(cause, "sqlstate", None) in {"42P01", "42703"}
    return missing or str(cause).startswith(("no such table", "no such column"))


def is_busy(error: BaseException, cause: BaseException) -> bool:
    """Return whether what is needed is held by another for longer than the call may wait."""
    code, name = getattr(cause, "sqlstate", None), getattr(cause, "sqlite_errorname", "")
    return code in BUSY_CODES or name.startswith(BUSY_SQLITE_ERRORS) or isinstance(error, PoolTimeout)


def is_lost(error: BaseException, cause: BaseException) -> bool:
    """Return whether the connection, or room for what was to be stored, is gone."""
    code, name = getattr(cause, "sqlstate", None) or "", getattr(cause, "sqlite_errorname", "")
    is_gone = is_disconnect(error) or isinstance(cause, OSError)
    return is_gone or code[:2] in LOST_SQLSTATE_CLASSES or code in LOST_CODES or name.startswith(LOST_SQLITE_ERRORS)
