"""Events over HTTP: the feedback on answers."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import orjson
from fastapi import APIRouter, Request, Response

from app.database.engine import Database
from app.database.group_commit import GroupCommit
from app.feedback import service
from app.feedback.parse import EventRow, Parsed, Reading
from app.feedback.schemas import EXAMPLE, EventIn, EventsWritten
from app.kit.errors import InvalidRequest
from app.kit.times import now_us
from app.recommendations.state.serving import Serving
from app.settings import MAX_LIST
from app.web.bounded import BoundedRoute
from app.web.bulk import Refused, no_valid_row
from app.web.problem import problem_responses

router = APIRouter(route_class=BoundedRoute, tags=["outcomes"])

JSON = "application/json"
SCHEMA = EventIn.model_json_schema()
BODY = {
    "required": True,
    "content": {
        JSON: {
            "schema": {"oneOf": [SCHEMA, {"type": "array", "items": SCHEMA, "minItems": 1, "maxItems": MAX_LIST}]},
            "examples": {
                "one": {"value": {"recommendation_id": EXAMPLE, "type": "impression"}},
                "many": {
                    "value": [
                        {"recommendation_id": EXAMPLE, "type": "impression"},
                        {"recommendation_id": EXAMPLE, "type": "impression", "at": "2026-11-23T10:15:02Z"},
                    ]
                },
            },
        }
    },
}


class EventWriter(GroupCommit[EventRow, list[bool]]):
    """Stores the events of this process's requests, many requests in one transaction."""

    def __init__(self, database: Database) -> None:
        super().__init__(database, service.record, list.__getitem__)


@router.post(
    "/v1/events",
    summary="Report feedback on answers",
    response_model=EventsWritten,
    responses=problem_responses(InvalidRequest),
    openapi_extra={"requestBody": BODY},
)
async def post_events(request: Request) -> Response:
    """Record one event, or up to 1,000: good rows are recorded though others are refused; posting twice is harmless."""
    state = request.app.state
    serving: Serving = state.serving  # events need no model to be loaded
    reading = Reading(await request.body(), serving.catalogue, now_us(), serving.undone)
    if (revision := reading.catalogue_revision()) > serving.catalogue.revision:
        await serving.refresh_catalogue(revision)
    parsed = reading.rows()
    if all(isinstance(each, Refused) for each in parsed):
        raise no_valid_row(parsed)
    rows = [row for each in parsed if not isinstance(each, Refused) for row in each]
    is_new = await state.events.submit(rows)
    for kind, count in Counter(row.type for row, new in zip(rows, is_new, strict=True) if new).items():
        state.metrics.count_events(kind, count)
    return Response(orjson.dumps(answer(reading.posted, parsed, is_new)), media_type=JSON)


def answer(posted: Sequence[EventIn | Refused], parsed: Sequence[Parsed], is_new: Sequence[bool]) -> dict[str, Any]:
    """Build the result of every event, in the order posted."""
    results, start = [], 0
    for index, (event, rows) in enumerate(zip(posted, parsed, strict=True)):
        if isinstance(rows, Refused):
            row = {"index": index, "type": rows.value_of("type"), "item_id": rows.value_of("item_id")}
            results.append(row | {"status": "refused", "errors": rows.errors})
            continue
        assert isinstance(event, EventIn)  # noqa: S101 - for the type checker: it has rows
        num_new = sum(is_new[start : start + len(rows)])
        start += len(rows)
        status = "recorded" if num_new else "unchanged"
        row = {"index": index, "type": event.type, "item_id": event.item_id}
        results.append(row | {"status": status, "num_items": num_new})
    counts = dict.fromkeys(("recorded", "unchanged", "refused"), 0) | Counter(each["status"] for each in results)
    return {"counts": counts, "results": results}
