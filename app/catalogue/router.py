"""Items over HTTP. DELETE stands with the ratings, because an item's ratings go with it."""

from collections import Counter
from collections.abc import Sequence
from typing import Annotated, Any, cast

import orjson
from fastapi import APIRouter, Depends, Query, Request, Response

from app.catalogue import repository, service
from app.catalogue.repository import StoredItem
from app.catalogue.schemas import ItemFields, ItemIn, ItemList, ItemOut, ItemPatch, ItemsWritten
from app.catalogue.service import ItemChange, ItemWriter, Outcome, Written
from app.keep_out.service import field_problem
from app.kit.cursors import decode_cursor, encode_cursor
from app.kit.errors import InvalidCursor, InvalidRequest, ItemNotFound, KeptOut
from app.kit.ids import ExternalId
from app.settings import MAX_LIST
from app.web.bounded import BoundedRoute
from app.web.bulk import BulkReader, Refused, no_valid_row
from app.web.deps import DatabaseDep
from app.web.paths import PathItemId
from app.web.problem import problem_responses

router = APIRouter(route_class=BoundedRoute, tags=["items"])

MAX_LOOKED_UP = 100  # ids in a query
ROUTE = "items"  # names this list's cursors
JSON = "application/json"
FIELDS = tuple(ItemFields.model_fields)
SHOWN = tuple(name for name in ItemOut.model_fields if name != "item_id")
READER = BulkReader(ItemIn)
SCHEMA = ItemIn.model_json_schema()
EXAMPLE = [
    {"item_id": "blade-runner-1982", "title": "Blade Runner", "categories": ["Sci-Fi"], "attributes": {"year": 1982}},
    {"item_id": "clueless-1995", "title": "Clueless", "categories": ["Comedy", "Romance"]},
]
BODY = {
    "required": True,
    "content": {
        JSON: {
            "schema": {"oneOf": [SCHEMA, {"type": "array", "items": SCHEMA, "minItems": 1, "maxItems": MAX_LIST}]},
            "examples": {"many": {"value": EXAMPLE}},
        }
    },
}


def get_writer(request: Request) -> ItemWriter:
    """Return the process's writer of items."""
    return cast("ItemWriter", request.app.state.item_writer)


WriterDep = Annotated[ItemWriter, Depends(get_writer)]


def respond(body: dict[str, Any]) -> Response:
    """Answer with JSON."""
    return Response(orjson.dumps(body, option=orjson.OPT_UTC_Z), media_type=JSON)


def item_body(item: StoredItem) -> dict[str, Any]:
    """Describe an item."""
    return {"item_id": item.external_id} | {name: getattr(item, name) for name in SHOWN}


def change_of(item: ItemIn) -> ItemChange:
    """Return a change that sets all fields of a posted item."""
    return ItemChange(item.item_id, {name: getattr(item, name) for name in FIELDS})


@router.post(
    "/v1/items",
    summary="Store items",
    response_model=ItemsWritten,
    responses=problem_responses(InvalidRequest),
    openapi_extra={"requestBody": BODY},
)
async def post_items(request: Request, writer: WriterDep) -> Response:
    """Store one item, or up to 1,000, whole: a field left out takes its default."""
    posted = READER.read(await request.body())
    changes = [change_of(item) for item in posted if isinstance(item, ItemIn)]
    if not changes:
        raise no_valid_row(posted)
    written = await writer.submit(changes)
    return Response(orjson.dumps(answer(posted, written)), media_type=JSON)


def answer(posted: Sequence[ItemIn | Refused], written: Written) -> dict[str, Any]:
    """Write the result of every row, in the order posted.

    Raises:
        InvalidRequest: if every row is refused.
    """
    outcomes = iter(written.outcomes)
    results = []
    rows = [
        item if isinstance(item, Refused) else refuse_kept_out(index, item, next(outcomes))
        for index, item in enumerate(posted)
    ]
    if all(isinstance(row, Refused) for row in rows):
        raise no_valid_row(rows)
    for index, item in enumerate(rows):
        if isinstance(item, Refused):
            result: dict[str, Any] = {"item_id": item.value_of("item_id"), "status": "refused", "errors": item.errors}
        else:
            result = {"item_id": item[0].item_id, "status": str(item[1].status), "revision": item[1].revision}
        results.append({"index": index} | result)
    counts = dict.fromkeys(map(str, service.Status), 0) | Counter(row["status"] for row in results)
    return {"revision": written.revision, "counts": counts, "results": results}


def refuse_kept_out(index: int, item: ItemIn, outcome: Outcome) -> tuple[ItemIn, Outcome] | Refused:
    """Return a row with what became of it, or why it was refused after all."""
    if outcome.status is not service.Status.REFUSED:
        return item, outcome
    return Refused({"item_id": item.item_id}, [field_problem("item_id", f"/{index}/item_id")])


@router.get("/v1/items", summary="List items", response_model=ItemList, responses=problem_responses(InvalidCursor))
async def get_items(
    database: DatabaseDep,
    limit: Annotated[int, Query(ge=1, le=MAX_LIST, description="Items of a page.")] = 100,
    cursor: Annotated[str | None, Query(description="`next_cursor` of the page before.")] = None,
    item_id: Annotated[
        list[ExternalId],
        Query(max_length=MAX_LOOKED_UP, description="Only these; repeat it for several.", examples=["clueless-1995"]),
    ] = [],  # noqa: B006 - FastAPI copies it
) -> Response:
    """List the catalogue in the order the items were created, inactive ones too."""
    after = decode_cursor(ROUTE, cursor) or 0
    items = await database.read(repository.list_items, limit + 1, after, item_id)
    following = encode_cursor(ROUTE, items[limit - 1].id) if len(items) > limit else None
    return respond({"items": [item_body(item) for item in items[:limit]], "next_cursor": following})


@router.get(
    "/v1/items/{item_id}", summary="Show an item", response_model=ItemOut, responses=problem_responses(ItemNotFound)
)
async def get_item(item_id: PathItemId, database: DatabaseDep) -> Response:
    """Show an item."""
    return respond(item_body(await database.read(service.get_item, item_id)))


@router.put(
    "/v1/items/{item_id}",
    summary="Set an item",
    response_model=ItemOut,
    responses=problem_responses(InvalidRequest, KeptOut),
)
async def put_item(item_id: PathItemId, item: ItemFields, writer: WriterDep) -> Response:
    """Set all fields of an item; one left out takes its default. The same again keeps the revision."""
    change = ItemChange(item_id, {name: getattr(item, name) for name in FIELDS})
    return respond(item_body(await writer.submit_one(change)))


@router.patch(
    "/v1/items/{item_id}",
    summary="Change an item",
    response_model=ItemOut,
    responses=problem_responses(ItemNotFound, InvalidRequest),
)
async def patch_item(item_id: PathItemId, item: ItemPatch, writer: WriterDep) -> Response:
    """Change the fields that are sent; `"title": null` clears the title."""
    change = ItemChange(item_id, {name: getattr(item, name) for name in item.model_fields_set}, is_patch=True)
    return respond(item_body(await writer.submit_one(change)))
