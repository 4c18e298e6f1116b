"""The numbers that only grow: a change of ratings or items takes the next ones under a lock."""

from time import perf_counter

from sqlalchemy.orm import Session

LOCK = {
    "postgresql": "SELECT value FROM counters WHERE name = $1 FOR UPDATE",
    "sqlite": "SELECT value FROM counters WHERE name = ?",  # a writing transaction there is alone from its start
}
MOVE = {
    "postgresql": "UPDATE counters SET value = $1 WHERE name = $2",
    "sqlite": "UPDATE counters SET value = ? WHERE name = ?",
}
READ = {"postgresql": "SELECT value FROM counters WHERE name = $1", "sqlite": LOCK["sqlite"]}


def lock(session: Session, name: str) -> int:
    """Wait until no other transaction holds the counter; return its value. Lock `ratings` before `catalogue`."""
    connection = session.connection()
    started = perf_counter()
    value = int(connection.exec_driver_sql(LOCK[connection.dialect.name], (name,)).scalar_one())
    if waits := session.info.get("lock_waits"):
        waits.add(perf_counter() - started)
    return value


def move(session: Session, name: str, value: int) -> None:
    """Move a locked counter on."""
    connection = session.connection()
    connection.exec_driver_sql(MOVE[connection.dialect.name], (value, name))


def read(session: Session, name: str) -> int:
    """Return a counter's value."""
    connection = session.connection()
    return int(connection.exec_driver_sql(READ[connection.dialect.name], (name,)).scalar_one())
