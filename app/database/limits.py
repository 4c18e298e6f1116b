"""How long a call may wait for the database: the figures stand in docs/how-to/postgresql.md."""

from collections import Counter
from dataclasses import dataclass, fields, replace
from itertools import cycle, islice

SHARES = ("hot", "write", "scan", "read", "hot", "write", "hot")  # who gets the connections beyond one each


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Times in seconds; 0 means no limit where PostgreSQL takes it so."""

    lock_s: float  # for what another transaction holds, and before that for a place among those who write
    silence_s: float  # in which PostgreSQL answers nothing at all, until it is taken as away
    statement_s: float  # for one statement
    idle_s: float  # that a transaction may stand still and hold its locks
    is_logged: bool = False  # what fails; a command says so itself

    def settings(self) -> dict[str, str]:
        """Return them as PostgreSQL's own settings."""
        return {
            "lock_timeout": milliseconds(self.lock_s),
            "statement_timeout": milliseconds(self.statement_s),
            "idle_in_transaction_session_timeout": milliseconds(self.idle_s),
        }

    def for_scan(self) -> "Limits":
        """Return the limits of a long read: it may compute, and wait for whoever reads what it sends on."""
        return replace(self, statement_s=0, idle_s=300)

    def for_check(self) -> "Limits":
        """Return the limits of readiness, which is asked every few seconds."""
        return replace(self, lock_s=min(self.lock_s, 0.5), statement_s=1)


COMMANDS = Limits(lock_s=10, silence_s=30, statement_s=600, idle_s=60)


def server_limits(lock_s: float) -> Limits:
    """Return the limits of a server process, whose callers wait for an answer."""
    return Limits(lock_s=lock_s, silence_s=1, statement_s=30, idle_s=3, is_logged=True)


def milliseconds(seconds: float) -> str:
    """Return seconds as PostgreSQL reads them."""
    return str(round(seconds * 1000))


@dataclass(frozen=True, kw_only=True)
class Places:
    """Connections of one process, by what they are for: no kind can take another's."""

    hot: int = 1
    read: int = 1
    write: int = 1
    scan: int = 1
    check: int = 1

    @classmethod
    def of(cls, pool_size: int) -> "Places":
        """Share out a number of connections."""
        free = pool_size - len(fields(cls))
        shared = Counter(islice(cycle(SHARES), max(0, free)))
        return cls(**{kind: 1 + num for kind, num in shared.items()})
