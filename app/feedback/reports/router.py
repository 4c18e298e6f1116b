"""Reports over HTTP."""

from collections.abc import Sequence
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Query, Response
from pydantic import AfterValidator, AwareDatetime, BeforeValidator

from app.feedback.reports.schemas import Report
from app.feedback.reports.service import By, Line, report
from app.kit.errors import FieldProblem, InvalidRequest
from app.kit.times import LATEST_US, in_utc, rfc3339, to_us
from app.web.deps import DatabaseDep
from app.web.problem import problem_responses

router = APIRouter(tags=["outcomes"])

Moment = Annotated[AwareDatetime, AfterValidator(in_utc), BeforeValidator(rfc3339)]


@router.get(
    "/v1/reports",
    summary="Report rates of outcomes",
    response_model=Report,
    responses=problem_responses(InvalidRequest),
)
async def get_report(
    database: DatabaseDep,
    by: Annotated[
        list[By],
        Query(max_length=len(By), description="What to group by; may be repeated.", examples=[["version", "source"]]),
    ] = [],  # noqa: B006 - FastAPI copies it
    start: Annotated[
        Moment | None,
        Query(alias="from", description="Answers made at that moment or later.", examples=["2026-11-01T00:00:00Z"]),
    ] = None,
    until: Annotated[
        Moment | None, Query(description="Answers made before that moment.", examples=["2030-01-01T00:00:00Z"])
    ] = None,
) -> Response:
    """Return click-through, rating, conversion and hit rates of items with an impression, each with an interval."""
    if start is not None and until is not None and start >= until:
        detail = "is not before `until`: give an earlier moment"
        raise InvalidRequest(f"from {detail}.", [FieldProblem("from", detail)])
    groups = list(dict.fromkeys(by))
    span = 0 if start is None else to_us(start), LATEST_US if until is None else to_us(until)
    lines = await database.scan(report, groups, *span)
    body = {"start": start, "until": until, "by": groups, "lines": as_json(lines)}
    return Response(orjson.dumps(body, option=orjson.OPT_UTC_Z), media_type="application/json")


def as_json(lines: Sequence[Line]) -> list[dict[str, Any]]:
    """Return the lines as JSON objects."""
    rates = ("click_through", "rating", "conversion", "hit")
    return [
        {
            **line.group,
            "num_answers": line.num_answers,
            "value": line.value,
            **{name: getattr(line, name)._asdict() for name in rates},
        }
        for line in lines
    ]
