"""Makes every check and prints a line each."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime

from app.address import SqliteAddress, parse_address
from app.database.engine import Database, open_database
from app.kit.errors import DatabaseBusy, DatabaseForbidden, DatabaseReadOnly, DatabaseUnavailable
from app.launch.doctor import data, machine
from app.launch.doctor.finding import Finding, Level
from app.settings import Settings

DATABASE_SECONDS = 20  # that a check waits for the database
NEED_DATABASE = ("schema", "clock", "scale", "model", "trainer")


async def check_all(settings: Settings) -> list[Finding]:
    """Make every check."""
    local = [machine.check_versions(), machine.check_store(settings.model_store), *machine.check_disks(settings)]
    stored = [finding async for finding in check_database(settings)]
    return [*machine.check_names(), *local, machine.check_port(settings), *stored]


async def check_database(settings: Settings) -> AsyncIterator[Finding]:
    """Make the checks of the database; those that cannot be made are said to be left out."""
    where = machine.show_address(settings.database_url)
    address = parse_address(settings.database_url)
    if isinstance(address, SqliteAddress) and not machine.is_there(address.path):  # opening it would make it
        if machine.is_writable(machine.store_parent(address.path)):
            yield Finding("database", Level.MEND, f"{where} does not exist yet", "run `palate migrate`, or `palate up`")
        else:
            advice = "let Palate's user write there, or set PALATE_DATABASE_URL"
            yield Finding("database", Level.MEND, f"{where} does not exist, and cannot be made there", advice)
        return
    database = open_database(settings.database_url, 1)
    try:
        async for finding in check_open(database, settings, where):
            yield finding
    except (DatabaseUnavailable, TimeoutError) as error:
        reason = getattr(error, "cause", "") or "it does not answer"
        yield Finding("database", Level.MEND, f"{where}: {reason}", "mend that, or PALATE_DATABASE_URL")
        yield Finding("the rest", Level.NOTE, f"not looked at without the database: {', '.join(NEED_DATABASE)}")
    finally:
        await database.close()


async def check_open(database: Database, settings: Settings, where: str) -> AsyncIterator[Finding]:
    """Make the checks of a database that can be asked."""
    async with asyncio.timeout(DATABASE_SECONDS):
        server = await database.read(data.read_server)
        seconds = time.time()
        schema = await database.read(data.check_schema)
    yield data.check_server(server, where, settings.database_pool_size)
    yield schema
    yield data.check_clock(server, seconds)
    if schema.level is not Level.OK:
        return
    if refused := await check_writes(database):
        yield refused
    findings, live = await database.scan(data.read_findings, settings)
    for finding in findings:
        yield finding
    yield await data.check_model(live, settings.model_store, datetime.now(UTC))


async def check_writes(database: Database) -> Finding | None:
    """Return why nothing can be stored; None if it can, or if another writes."""
    try:
        await database.write(data.write_nothing)
    except (DatabaseReadOnly, DatabaseForbidden) as error:
        return Finding("writes", Level.MEND, error.cause, "let PALATE_DATABASE_URL name a database that takes writes")
    except DatabaseBusy:
        pass
    return None


def doctor(settings: Settings, is_json: bool) -> int:
    """Make every check, print a line each; return 1 if something has to be mended, else 0."""
    findings = asyncio.run(check_all(settings))
    print(as_json(findings) if is_json else as_text(findings))  # noqa: T201
    return int(any(finding.level is Level.MEND for finding in findings))


def as_json(findings: list[Finding]) -> str:
    """Write the findings for machines."""
    status = "mend" if any(finding.level is Level.MEND for finding in findings) else "ok"
    return json.dumps({"status": status, "checks": [finding._asdict() for finding in findings]}, indent=2)


def as_text(findings: list[Finding]) -> str:
    """Write the findings in columns, with what to do at the end of each line."""
    width = max(len(finding.check) for finding in findings)
    lines = [f"{level:<4}  {check:<{width}}  {sentence(found, advice)}" for check, level, found, advice in findings]
    num_wrong = sum(finding.level is Level.MEND for finding in findings)
    verdict = "All is well." if not num_wrong else f"To mend: {num_wrong} of {len(findings)}."
    return "\n".join([*lines, "", verdict])


def sentence(found: str, advice: str) -> str:
    """Write what was found and what to do."""
    return f"{found}. -> {advice[:1].upper()}{advice[1:]}." if advice else found
