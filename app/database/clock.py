"""The database's clock: the one that all processes share, whatever those of their machines say."""

from datetime import UTC, datetime

from sqlalchemy.orm import Session

NOW = {
    "postgresql": "SELECT clock_timestamp()",
    "sqlite": "SELECT strftime('%Y-%m-%dT%H:%M:%fZ', 'now')",
}


def read_clock(session: Session) -> datetime:
    """Return the moment, in UTC, at which the database answers; not that at which the transaction began."""
    connection = session.connection()
    moment = connection.exec_driver_sql(NOW[connection.dialect.name]).scalar_one()
    return (datetime.fromisoformat(moment) if isinstance(moment, str) else moment).astimezone(UTC)
