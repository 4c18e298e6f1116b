"""Experiments over HTTP."""

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Header, Path, Query, Response, status
from sqlalchemy.orm import Session

from app.experiments import repository, service
from app.experiments.figures import Metric
from app.experiments.report import report
from app.experiments.report_schemas import ExperimentReport
from app.experiments.schemas import ExperimentList, ExperimentOut, NewExperiment, StopExperiment
from app.experiments.service import Requester
from app.idempotency.deps import OnceDep, respond
from app.idempotency.service import Answer, carry_out
from app.idempotency.service import find as find_answer
from app.keys.service import name_of
from app.kit.cursors import decode_cursor, encode_cursor
from app.kit.errors import (
    ExperimentNotFound,
    ExperimentRunning,
    ExperimentStopped,
    IdempotencyKeyReused,
    InvalidCursor,
    InvalidRequest,
    VersionRefused,
    VersionUnusable,
)
from app.registry.service import ActivationRequest
from app.settings import MAX_LIST
from app.web.bounded import BoundedRoute
from app.web.deps import DatabaseDep, SettingsDep
from app.web.problem import problem_responses

router = APIRouter(route_class=BoundedRoute, prefix="/v1/experiments", tags=["experiments"])
ROUTE = "experiments"  # names this list's cursors
Number = Annotated[int, Path(ge=1, le=2**63 - 1, description="`id` of an experiment.")]
Key = Annotated[str | None, Header(include_in_schema=False)]


@router.post(
    "",
    status_code=status.HTTP_201_CREATED,
    summary="Start an experiment",
    response_model=ExperimentOut,
    responses=problem_responses(InvalidRequest, IdempotencyKeyReused, VersionUnusable, ExperimentRunning),
)
async def post_experiment(
    asked: NewExperiment, database: DatabaseDep, settings: SettingsDep, once: OnceDep, x_api_key: Key = None
) -> Response:
    """Serve two versions side by side, each to its share of the users. One experiment runs at a time."""
    if before := await database.read(find_answer, once):
        return respond(before)
    requester = Requester(await database.read(name_of, x_api_key), asked.reason)
    plan = asked.plan()
    await service.check_versions(database, settings.model_store, plan)

    def work(session: Session) -> Answer:
        started = service.start(session, plan, requester, datetime.now(UTC))
        return Answer(status.HTTP_201_CREATED, ExperimentOut.model_validate(started).model_dump_json())

    return respond(await database.write(carry_out, once, work))


@router.get("", summary="List experiments", responses=problem_responses(InvalidRequest, InvalidCursor))
async def get_experiments(
    database: DatabaseDep,
    limit: Annotated[int, Query(ge=1, le=MAX_LIST, description="Experiments per page.")] = 20,
    cursor: Annotated[str | None, Query(description="`next_cursor` of the previous page.")] = None,
) -> ExperimentList:
    """List the experiments, newest first."""
    rows = await database.read(repository.find_all, decode_cursor(ROUTE, cursor), limit + 1)
    following = encode_cursor(ROUTE, rows[limit - 1].id) if len(rows) > limit else None
    return ExperimentList(experiments=list(map(ExperimentOut.model_validate, rows[:limit])), next_cursor=following)


@router.get("/{number}", summary="Show an experiment", responses=problem_responses(InvalidRequest, ExperimentNotFound))
async def get_experiment(number: Number, database: DatabaseDep) -> ExperimentOut:
    """Show an experiment."""
    return ExperimentOut.model_validate(await database.read(service.get, number))


@router.get(
    "/{number}/report",
    summary="Report on an experiment",
    responses=problem_responses(InvalidRequest, ExperimentNotFound),
)
async def get_report(
    number: Number,
    database: DatabaseDep,
    metric: Annotated[Metric, Query(description="The metric that decides; the others are for information.")] = (
        Metric.CLICK_THROUGH
    ),
) -> ExperimentReport:
    """Compare the two arms by the feedback on their answers: rates, differences with intervals, and a verdict."""
    return ExperimentReport.of(await database.scan(report, number, metric))


@router.post(
    "/{number}/stop",
    summary="Stop an experiment",
    responses=problem_responses(InvalidRequest, ExperimentNotFound, ExperimentStopped, VersionUnusable, VersionRefused),
)
async def stop_experiment(
    number: Number,
    database: DatabaseDep,
    settings: SettingsDep,
    asked: StopExperiment | None = None,
    x_api_key: Key = None,
) -> ExperimentOut:
    """Stop an experiment for good: all users get the live version, which may be one of the two from now on."""
    asked = asked or StopExperiment()
    request = ActivationRequest(actor=await database.read(name_of, x_api_key), reason=asked.reason, force=asked.force)
    model_store, now = settings.model_store, datetime.now(UTC)
    stopped = await service.stop_experiment(
        database, model_store, number, activate=asked.activate, request=request, now=now
    )
    return ExperimentOut.model_validate(stopped)
