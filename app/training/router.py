"""Training runs over HTTP."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Annotated, cast

from fastapi import APIRouter, Depends, Header, Query, Request, Response
from fastapi.sse import EventSourceResponse, ServerSentEvent
from sqlalchemy.orm import Session

from app.idempotency.deps import OnceDep, respond
from app.idempotency.service import Answer, carry_out
from app.kit.cursors import decode_cursor, encode_cursor
from app.kit.errors import (
    IdempotencyKeyReused,
    InvalidCursor,
    InvalidRequest,
    RunAlreadyEnded,
    RunNotFound,
    StreamsFull,
)
from app.settings import MAX_LIST
from app.tables import RunCause, RunState
from app.training import events, service
from app.training.schemas import Epoch, Run, RunDetail, RunList, RunRequest
from app.training.streams import Streams
from app.web.bounded import BoundedRoute
from app.web.deps import DatabaseDep, SettingsDep
from app.web.problem import problem_responses

router = APIRouter(route_class=BoundedRoute, prefix="/v1/training-runs", tags=["training"])
ROUTE = "training-runs"  # names this list's cursors
MAX_RUN_ID = 2**31 - 1


async def get_run_id(run_id: int) -> int:
    """Read the number of a run; one that no run can have is one that there is not."""
    if not 0 < run_id <= MAX_RUN_ID:
        raise RunNotFound(f"There is no training run {run_id}.")
    return run_id


RunId = Annotated[int, Depends(get_run_id)]


async def get_existing_run_id(run_id: RunId, database: DatabaseDep) -> int:
    """Make sure that a run exists before a stream about it begins."""
    await database.read(service.get_run, run_id)
    return run_id


async def get_place(request: Request, _run_id: Annotated[int, Depends(get_existing_run_id)]) -> AsyncIterator[None]:
    """Hold a place for a stream as long as it lasts."""
    async with cast("Streams", request.app.state.streams).place():
        yield


@router.post(
    "",
    summary="Start a run",
    status_code=202,
    response_model=Run,
    responses=problem_responses(InvalidRequest, IdempotencyKeyReused),
)
async def post_run(
    database: DatabaseDep, settings: SettingsDep, once: OnceDep, asked: RunRequest | None = None
) -> Response:
    """Queue a training run. A worker takes it up; without a body it runs as the settings say."""
    asked = asked or RunRequest()

    def work(session: Session) -> Answer:
        cause, now = RunCause.MANUAL, datetime.now(UTC)
        run = service.request_run(session, settings, cause, now, kind=asked.kind, options=asked.options())
        return Answer(202, Run.of(run, None).model_dump_json(), f"{router.prefix}/{run.id}")

    return respond(await database.write(carry_out, once, work))


@router.get("", summary="List runs", response_model=RunList, responses=problem_responses(InvalidCursor))
async def get_runs(
    database: DatabaseDep,
    state: Annotated[RunState | None, Query(description="Only runs in this state.")] = None,
    limit: Annotated[int, Query(ge=1, le=MAX_LIST, description="Runs of a page.")] = 20,
    cursor: Annotated[str | None, Query(description="`next_cursor` of the page before.")] = None,
) -> RunList:
    """List the runs, newest first."""
    before = decode_cursor(ROUTE, cursor)
    runs, gates = await database.read(service.list_runs, state, before, limit + 1)
    following = encode_cursor(ROUTE, runs[limit - 1].id) if len(runs) > limit else None
    return RunList(runs=[Run.of(run, gates.get(run.version or "")) for run in runs[:limit]], next_cursor=following)


@router.get("/{run_id}", summary="Show a run", response_model=RunDetail, responses=problem_responses(RunNotFound))
async def get_run(run_id: RunId, database: DatabaseDep) -> RunDetail:
    """Show a run and its epochs so far."""
    progress = await database.read(service.get_progress, run_id)
    run = Run.of(progress.run, progress.gate)
    return RunDetail(**run.model_dump(), epochs=[Epoch.of(row) for row in progress.epochs])


@router.delete(
    "/{run_id}",
    summary="Cancel a run",
    response_model=Run,
    responses=problem_responses(RunNotFound, RunAlreadyEnded),
)
async def delete_run(run_id: RunId, database: DatabaseDep) -> Run:
    """Cancel a run: one that waits at once, one that is running within seconds (`cancel_requested`)."""
    return Run.of(await database.write(service.cancel_run, run_id, datetime.now(UTC)), None)


@router.get(
    "/{run_id}/events",
    summary="Follow a run",
    response_class=EventSourceResponse,
    responses=problem_responses(RunNotFound, StreamsFull),
    dependencies=[Depends(get_place)],
)
async def get_events(
    request: Request,
    run_id: Annotated[int, Depends(get_existing_run_id)],
    settings: SettingsDep,
    last_event_id: Annotated[str | None, Header(description="The last event seen, to go on after it.")] = None,
) -> AsyncIterator[ServerSentEvent]:
    """Follow a run as server-sent events: `epoch` for each finished epoch, `state` for each change of state.

    The stream begins with what has happened so far, and ends with the run, or when the server stops: ask again, with
    the last event's id.
    """
    state = request.app.state
    progress, position = state.streams.progress_of(run_id), events.Position.read(last_event_id)
    async for event in events.follow(progress, settings.poll_interval, position, state.stopping):
        yield ServerSentEvent(event=event.name, id=str(event.position), data=event.data)
