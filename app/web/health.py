"""Is the process alive, and can it do its work."""

import asyncio
from typing import Literal, NamedTuple

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field
from starlette.datastructures import State

from app.database import migrate
from app.database.engine import Database
from app.kit.errors import DatabaseBusy, DatabaseDamaged, DatabaseSilent, DatabaseUnavailable
from app.web.deps import DatabaseDep

router = APIRouter(prefix="/health", tags=["operations"])
CHECK_S = 1.8


class Live(BaseModel):
    """The process answers."""

    status: Literal["ok"] = "ok"


class DatabaseCheck(BaseModel):
    """Whether the database answers, and has tables that this version can serve."""

    database: Literal["ok", "slow", "unreachable"] = Field(
        description="`slow`: it is there, but something is locked or it does not answer in time; `unreachable`: no "
        "connection can be had."
    )
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
    available = found.is_usable and state.keys.known and model.is_settled and not state.stopping.is_set()
    problem = found.problem or model.problem
    status: Literal["ok", "degraded", "unavailable"] = "degraded" if problem else "ok"
    if not available:
        response.status_code = 503
        response.headers.update(DatabaseUnavailable.headers)
    return Ready(
        database=found.database,
        migrations=found.migrations,
        status=status if available else "unavailable",
        model_version=model.loaded_version,
        live_version=model.live_version,
        problem=problem_of(state, problem),
        experiment=model.experiment,
    )


def problem_of(state: State, problem: str | None) -> str | None:
    """Return what keeps the server from being ready, or from being as it should."""
    if state.stopping.is_set():
        return "the server is stopping: call another"
    return problem if state.keys.known else "the keys have not been read yet"


class Found(NamedTuple):
    """What a look at the database found, whether calls can be answered, and what is wrong."""

    database: Literal["ok", "slow", "unreachable"]
    migrations: Literal["ok", "missing", "newer", "too_new", "unknown"] = "unknown"
    is_usable: bool = False
    problem: str | None = None


async def check_database(database: Database) -> Found:
    """Ask the database for its migrations, for at most `CHECK_S`.

    One that is there but slow, or locked, keeps no server from being ready: it would keep all of them.
    """
    asking = asyncio.create_task(database.check(migrate.find_schema))
    done, _ = await asyncio.wait({asking}, timeout=CHECK_S)  # not cancelled: a driver waits for the server to agree
    if not done:
        asking.add_done_callback(lambda task: task.exception())
        return Found("slow", is_usable=True, problem="the database is slow")
    try:
        schema = asking.result()
    except DatabaseBusy as error:
        return Found("slow", is_usable=True, problem=f"the database is slow: {error.cause}")
    except DatabaseSilent:
        return Found("slow", problem="the database answers nothing")
    except DatabaseDamaged as error:
        return Found("unreachable", problem=f"the database cannot be used: {error.cause}")
    except DatabaseUnavailable:  # whose cause may name users and hosts: the log has it
        return Found("unreachable", problem="the database cannot be reached")
    return Found("ok", schema.value, is_usable=schema.can_serve, problem=database.trouble.problem())
