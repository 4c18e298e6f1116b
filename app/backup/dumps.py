"""A database as one file: SQLite by its online backup, PostgreSQL by its own pg_dump and pg_restore."""

import os
import shutil
import sqlite3
import subprocess
from abc import ABC, abstractmethod
from collections.abc import Mapping
from contextlib import closing, suppress
from itertools import islice
from pathlib import Path
from urllib.parse import urlencode

from app.address import PostgresAddress, SqliteAddress, parse_address
from app.backup.archive import BackupUnusable
from app.kit.errors import PalateError

STOP_FIRST = "Stop the servers and workers first: {who} connected to the database."
COUNT_OTHERS = """
    SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'
"""
COUNT_TABLES = "SELECT count(*) FROM pg_tables WHERE schemaname = current_schema()"
BUSY_S = 2
HEAD_LINES = 20  # of a script, where its settings stand
NEWER_SETTINGS = b"SET transaction_timeout"  # since PostgreSQL 17


class InUse(PalateError):
    """Something is connected to the database that is to be replaced."""


class NotEmpty(PalateError):
    """The database holds something already."""


class Dump(ABC):
    """How a database becomes a file and comes back."""

    dialect: str
    name: str  # of the file in an archive

    @abstractmethod
    def write(self, file: Path) -> None:
        """Write a consistent snapshot while the database is in use.

        Raises:
            BackupUnusable: saying why there is none.
        """

    @abstractmethod
    def check_target(self, *, replace: bool) -> None:
        """Check that the database can be replaced.

        Raises:
            InUse: if something is connected to it.
            NotEmpty: if it holds tables, unless they are to be replaced.
        """

    @abstractmethod
    def read(self, file: Path) -> None:
        """Replace the database: all of it, or nothing.

        Raises:
            BackupUnusable: saying why it is as it was.
        """


class SqliteDump(Dump):
    """A file of SQLite."""

    dialect, name = "sqlite", "database.sqlite"

    def __init__(self, address: SqliteAddress) -> None:
        self._path = address.path

    def write(self, file: Path) -> None:
        """Copy it by the online backup."""
        if not self._path.exists():
            raise BackupUnusable(f"There is no database at {self._path}: nothing to back up.")
        with closing(sqlite3.connect(self._path)) as source, closing(sqlite3.connect(file)) as target:
            try:
                source.backup(target)  # in one step, since another process's write would start it again
                target.execute("PRAGMA journal_mode=DELETE")
            except sqlite3.OperationalError as error:
                if error.sqlite_errorname != "SQLITE_FULL":
                    raise
                raise BackupUnusable(f"There is no room for the backup in {file.parent.parent}.") from error

    def check_target(self, *, replace: bool) -> None:
        """Look what is in the file, and whether it is open."""
        if not self._path.exists():
            return
        with closing(sqlite3.connect(self._path, timeout=BUSY_S)) as connection:
            if connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] and not replace:
                raise NotEmpty(f"{self._path} holds a database already: --replace gives it up for the backup.")
            with suppress(sqlite3.OperationalError):
                if connection.execute("PRAGMA journal_mode=DELETE").fetchone()[0] == "delete":
                    return  # which takes a database that nothing else has open
        raise InUse(STOP_FIRST.format(who="something is"))

    def read(self, file: Path) -> None:
        """Check the copy, and put it in the place of the file."""
        with closing(sqlite3.connect(file)) as connection:
            try:
                found = connection.execute("PRAGMA integrity_check(1)").fetchone()[0]
            except sqlite3.DatabaseError as error:
                found = str(error)
        if found != "ok":
            raise BackupUnusable(f"The database in the backup is damaged: {found}. Nothing was restored.")
        self._path.parent.mkdir(parents=True, exist_ok=True)
        beside = self._path.with_name(self._path.name + ".restored")
        shutil.copyfile(file, beside)
        with beside.open("rb") as stream:
            os.fsync(stream.fileno())
        beside.replace(self._path)


class PostgresDump(Dump):
    """A database of PostgreSQL, dumped by the programs that come with it."""

    dialect, name = "postgresql", "database.pgdump"

    def __init__(self, address: PostgresAddress) -> None:
        hosts = {
            "host": ",".join(host for host, _ in address.hosts),
            "port": ",".join(str(p) for _, p in address.hosts),
        }
        parts = {**hosts, "user": address.user, "dbname": address.database}
        query = urlencode({name: value for name, value in parts.items() if value})
        self._uri = address.dsn + ("&" if "=" in address.dsn else "") + query
        self._environment = os.environ | ({"PGPASSWORD": address.password} if address.password else {})

    def write(self, file: Path) -> None:
        """Run pg_dump."""
        options = ("--format=custom", "--no-owner", "--no-privileges", f"--file={file}")
        self._run("pg_dump", *options, f"--dbname={self._uri}")

    def check_target(self, *, replace: bool) -> None:
        """Ask for other connections, and for tables."""
        if number := int(self._ask(COUNT_OTHERS)):
            raise InUse(STOP_FIRST.format(who=f"{number} {'is' if number == 1 else 'are'}"))
        if int(self._ask(COUNT_TABLES)) and not replace:
            raise NotEmpty("The database holds tables already: --replace gives them up for the backup.")

    def read(self, file: Path) -> None:
        """Have pg_restore write the statements, and run them in one transaction."""
        whole, statements = file.with_suffix(".whole.sql"), file.with_suffix(".sql")
        options = ("--clean", "--if-exists", "--no-owner", "--no-privileges", f"--file={whole}")
        self._run("pg_restore", *options, str(file))
        leave_out_newer_settings(whole, statements)
        options = ("--no-psqlrc", "--quiet", "--single-transaction", "--set=ON_ERROR_STOP=1", f"--file={statements}")
        self._run("psql", *options, self._uri)

    def _ask(self, query: str) -> str:
        return self._run("psql", "--no-psqlrc", "--tuples-only", "--no-align", f"--command={query}", self._uri)

    def _run(self, program: str, *arguments: str) -> str:
        environment: Mapping[str, str] = self._environment
        try:
            command = [program, *arguments]  # of our own words and the address that is set
            done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)  # noqa: S603
        except FileNotFoundError:
            raise BackupUnusable(
                f"{program} is not installed here: install PostgreSQL's client programs, of the server's version."
            ) from None
        if done.returncode:
            raise BackupUnusable(f"{program} failed: {' '.join(done.stderr.split())}")
        return done.stdout


def leave_out_newer_settings(script: Path, target: Path) -> None:
    """Copy a script of statements without the settings that an older server than pg_restore does not know."""
    with script.open("rb") as source, target.open("wb") as copy:
        copy.writelines(line for line in islice(source, HEAD_LINES) if not line.startswith(NEWER_SETTINGS))
        shutil.copyfileobj(source, copy)


def dump_of(url: str) -> Dump:
    """Return how the database of an address is dumped."""
    address = parse_address(url)
    return SqliteDump(address) if isinstance(address, SqliteAddress) else PostgresDump(address)
