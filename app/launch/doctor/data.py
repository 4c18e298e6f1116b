"""Checks of what the database holds, and whether it fits the rest."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.database import migrate
from app.keep_out import repository as kept_out
from app.keep_out.service import KeepOut
from app.launch.doctor.finding import Finding, Level, age
from app.ratings.scale import Scale
from app.registry.service import live_version
from app.settings import Settings
from app.tables import ModelVersion, RunState
from app.training import repository as training

MAX_CLOCK_DIFFERENCE_S = 5.0
MAX_QUEUED = timedelta(minutes=2)  # that a run waits for a trainer
SERVER = {
    "postgresql": "SELECT current_setting('server_version'), current_setting('max_connections')::int, "
    "extract(epoch FROM clock_timestamp())::float8, current_setting('server_encoding')",
    "sqlite": "SELECT sqlite_version(), 0, NULL, 'UTF-8'",
}
RATINGS = """
    SELECT count(*), coalesce(sum(CASE WHEN value BETWEEN {low} AND {high}
        AND abs((value - {least}) / {step} - round(CAST((value - {least}) / {step} AS numeric))) < 1e-6
        THEN 0 ELSE 1 END), 0), min(value), max(value)
    FROM ratings WHERE value IS NOT NULL
"""


class Server(NamedTuple):
    """What the database's server says of itself."""

    dialect: str
    version: str
    max_connections: int  # 0: no limit
    seconds: float | None  # its clock, since 1970; None: the one of this machine
    driver: str
    encoding: str = "UTF8"


def read_server(session: Session) -> Server:
    """Ask the server."""
    connection = session.connection()
    dialect = connection.dialect.name
    row = connection.exec_driver_sql(SERVER[dialect]).one()
    return Server(dialect, str(row[0]), row[1], row[2], connection.dialect.driver, row[3])


def check_server(server: Server, where: str, pool_size: int) -> Finding:
    """Return what answers, and whether the pool fits it."""
    if server.encoding not in {"UTF8", "UTF-8"}:
        advice = "make one with CREATE DATABASE ... ENCODING 'UTF8' TEMPLATE template0"
        return Finding("database", Level.MEND, f"{where} cannot hold any text: it is {server.encoding}", advice)
    if server.dialect == "sqlite":
        return Finding("database", Level.OK, f"{where} answers: SQLite {server.version}")
    name = f"PostgreSQL {server.version} over {server.driver}"
    found = f"{where} answers: {name}, pool {pool_size} of {server.max_connections} connections"
    if pool_size >= server.max_connections:
        return Finding("database", Level.MEND, found, "set PALATE_DATABASE_POOL_SIZE lower: each process has a pool")
    return Finding("database", Level.OK, found)


def check_clock(server: Server, seconds: float) -> Finding:
    """Compare the clocks; a rating may be dated five minutes ahead at most."""
    if server.seconds is None:
        return Finding("clock", Level.OK, "the database is on this machine")
    difference = seconds - server.seconds
    found = f"{abs(difference):.1f} s {'ahead of' if difference > 0 else 'behind'} the database's"
    if abs(difference) > MAX_CLOCK_DIFFERENCE_S:
        return Finding("clock", Level.MEND, found, "set both clocks, e.g. by NTP")
    return Finding("clock", Level.OK, found)


def check_schema(session: Session) -> Finding:
    """Return whether the tables are those of this version."""
    match migrate.find_schema(session):
        case migrate.Schema.CURRENT:
            return Finding("schema", Level.OK, f"up to date ({migrate.HEAD})")
        case migrate.Schema.NEWER:
            return Finding("schema", Level.NOTE, "migrated by a later version of Palate; this one can serve it, too")
        case migrate.Schema.TOO_NEW:
            advice = "run that version, or restore a backup of before"
            return Finding("schema", Level.MEND, "migrated by a later version of Palate, which this one is not", advice)
    return Finding("schema", Level.MEND, "tables are missing, or those of another version", "run `palate migrate`")


def write_nothing(session: Session) -> None:
    """Change no row: an error if rows could not be changed."""
    session.execute(text("UPDATE counters SET value = value WHERE 1 = 0"))


def check_scale(session: Session, scale: Scale) -> Finding:
    """Return whether the ratings stored are on the scale that is set."""
    query = RATINGS.format(
        low=scale.minimum - 1e-9, high=scale.maximum + 1e-9, least=float(scale.minimum), step=float(scale.step)
    )
    num_ratings, num_off, least, most = session.execute(text(query)).one()
    if not num_ratings:
        return Finding("scale", Level.NOTE, f"no ratings yet; {scale} is set")
    found = f"{num_ratings:,} ratings from {least:g} to {most:g}; {scale} is set"
    if not num_off:
        return Finding("scale", Level.OK, found)
    advice = "set PALATE_RATING_MIN, _MAX and _STEP to the scale they were given on, or import them anew with --rescale"
    return Finding("scale", Level.MEND, f"{found}: {num_off:,} are off it", advice)


async def check_model(version: ModelVersion | None, store: Path, now: datetime) -> Finding:
    """Return whether the live version can be loaded."""
    if version is None:
        advice = "run `palate train`, or start `palate worker`; popular items are recommended until then"
        return Finding("model", Level.MEND, "none is live", advice)
    from models.checkpoint import load  # torch: only where there is something to load

    try:
        await asyncio.to_thread(load, store / version.version)
    except Exception as error:  # whatever it is, a server would refuse it for the same reason
        advice = "activate another (`palate models list`, `palate models activate`), or train a new one"
        return Finding("model", Level.MEND, f"{version.version} cannot be loaded: {error}", advice)
    return Finding(
        "model", Level.OK, f"{version.version} is live and can be loaded, {age(version.created_at, now)} old"
    )


def check_trainer(session: Session, now: datetime) -> Finding:
    """Return whether a worker does what there is to do."""
    running = training.find_runs(session, RunState.RUNNING, None, 1)
    if running and running[0].lease_expires_at and running[0].lease_expires_at > now:
        return Finding("trainer", Level.OK, f"{running[0].worker} trains run {running[0].id}")
    if running:
        found = f"run {running[0].id} has lost its worker ({running[0].worker})"
        return Finding("trainer", Level.MEND, found, "start `palate worker`; it takes the run over")
    queued = training.find_runs(session, RunState.QUEUED, None, 1)
    if queued and now - queued[0].requested_at > MAX_QUEUED:
        found = f"run {queued[0].id} has waited for {age(queued[0].requested_at, now)}"
        return Finding("trainer", Level.MEND, found, "start `palate worker`")
    if queued:
        return Finding("trainer", Level.OK, f"run {queued[0].id} waits for a worker, since a moment")
    return Finding("trainer", Level.OK, "no run waits for a worker")


def check_keep_out(session: Session, keep_out: KeepOut) -> list[Finding]:
    """Return whether what was removed is refused; nothing if nothing was, and nothing is to be."""
    counts = kept_out.count_by_secret(session)
    if keep_out.secret is None:
        if not counts:
            return []
        found = f"{sum(counts.values()):,} ids were to be kept out, and are let in: PALATE_KEEP_OUT is not set"
        return [Finding("keep-out", Level.NOTE, found)]
    num_kept = counts.pop(keep_out.secret_id, 0)
    if not counts:
        return [Finding("keep-out", Level.OK, f"{num_kept:,} ids are kept out")]
    found = f"{sum(counts.values()):,} ids were kept out under another secret, and are let in"
    return [Finding("keep-out", Level.MEND, found, "set PALATE_KEEP_OUT to that secret")]


def read_findings(session: Session, settings: Settings) -> tuple[list[Finding], ModelVersion | None]:
    """Look at what the database holds, and return the live version."""
    now = datetime.now(UTC)
    findings = [check_scale(session, Scale.of(settings)), check_trainer(session, now)]
    findings += check_keep_out(session, KeepOut.of(settings))
    return findings, live_version(session)
