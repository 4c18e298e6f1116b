"""Is the process alive, and can it do its work."""

import asyncio
from typing import Literal

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

from app.database import migrate
from app.database.engine import Database
from app.kit.errors import DatabaseUnavailable
from app.web.deps import DatabaseDep

router = APIRouter(prefix="/health", tags=["operations"])
CHECK_SECONDS = 3


class Live(BaseModel):
    """The process answers."""

    status: Literal["ok"] = "ok"


class DatabaseCheck(BaseModel):
    """Whether the database answers, and has tables that this version can serve."""

    database: Literal["ok", "unreachable"]
    migrations: Literal["ok", "missing", "newer", "too_new", "unknown"] = Field(
        description="`newer`: a later version has migrated the database, and this one can serve it; `too_new`: it "
        "cannot; `missing`: `palate migrate` has not run."
    )


class Ready(DatabaseCheck):
    """Whether calls can be answered as they should."""

    status: Literal["ok", "degraded", "unavailable"] = Field(
        description="`degraded`: everything answers, but not from the models that should serve; `unavailable`: the "
        "database is missing, or the models are still being loaded; `problem` says why."
    )
    model_version: str | None = Field(description="The model that answers.", examples=["2026-11-23T10-15-00Z-linear"])
    live_version: str | None = Field(description="The model that should answer.")
    problem: str | None = Field(
        description="What keeps the live model, or an experiment's, from answering, or the server from being ready."
    )
    experiment: int | None = Field(description="The experiment whose versions this process serves.")


@router.get("/live")
async def live() -> Live:
    """Return that the process answers; nothing else is checked."""
    return Live()


NOT_READY = "The database or its tables are not there, or the models are still being loaded."


@router.get("/ready", responses={503: {"model": Ready, "description": NOT_READY}})
async def ready(request: Request, response: Response, database: DatabaseDep) -> Ready:
    """Return whether the database, its tables and the live model are there, and the answers those that stay."""
    found = await check_database(database)
    state = request.app.state
    model = state.serving.status()
    available = found.database == "ok" and found.migrations in ("ok", "newer") and state.keys.known and model.is_settled
    status: Literal["ok", "degraded", "unavailable"] = "degraded" if model.problem else "ok"
    if not available:
        response.status_code = 503
        response.headers.update(DatabaseUnavailable.headers)
    return Ready(
        database=found.database,
        migrations=found.migrations,
        status=status if available else "unavailable",
        model_version=model.loaded_version,
        live_version=model.live_version,
        problem=model.problem if state.keys.known else "the keys have not been read yet",
        experiment=model.experiment,
    )


async def check_database(database: Database) -> DatabaseCheck:
    """Ask the database for its migrations, for at most `CHECK_SECONDS`."""
    try:
        async with asyncio.timeout(CHECK_SECONDS):
            schema = await database.read(migrate.find_schema)
    except (DatabaseUnavailable, TimeoutError):
        return DatabaseCheck(database="unreachable", migrations="unknown")
    return DatabaseCheck(database="ok", migrations=schema.value)
