"""Imports and exports over HTTP. What they need is imported when they run: pyarrow takes memory."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from email.message import Message
from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated, Any, Literal, cast

from fastapi import APIRouter, Header, Path, Query, Request, Response
from fastapi.responses import StreamingResponse

from app.database.engine import Database
from app.idempotency.deps import OnceStreamedDep, respond
from app.idempotency.service import Answer, OnceStreamed, carry_out, is_known
from app.idempotency.service import find as find_answer
from app.keep_out.service import KeepOut
from app.kit.errors import BodyStalled, FieldProblem, FormatUnsupported, IdempotencyKeyReused, InvalidRequest
from app.ratings.scale import Scale
from app.settings import Settings
from app.transfer.body import Body, Receiver
from app.transfer.problems import MAX_REFUSED
from app.transfer.reading.streams import expand
from app.transfer.schemas import ExportedItem, ExportedRating, ImportDone, ImportRefusal, inline
from app.web.deps import DatabaseDep, SettingsDep
from app.web.problem import problem_responses

if TYPE_CHECKING:
    from app.transfer import incoming

router = APIRouter(tags=["bulk"])

MAX_TRANSFERS = 8  # at a time; more wait, and their bodies with them
NO_LIMIT = 2**62
NDJSON, CSV, JSON = "application/x-ndjson", "text/csv", "application/json"
FORMS = {
    NDJSON: "ndjson",
    "application/ndjson": "ndjson",
    "application/jsonl": "ndjson",
    JSON: "auto",
    CSV: "auto",
    "text/tab-separated-values": "auto",
    "text/plain": "auto",
}
Kind = Literal["ratings", "items"]
Responses = dict[int | str, dict[str, Any]]
ROWS = """\
{"user_id": "ada", "item_id": "alien-1979", "value": 4.5, "rated_at": "2026-11-23T10:15:00Z"}
{"user_id": "ada", "item_id": "clueless-1995", "value": 2}
"""
TABLE = "user_id,item_id,value,rated_at\nada,alien-1979,4.5,2026-11-23T10:15:00Z\nada,clueless-1995,2,\n"
BODY = {
    "required": True,
    "content": {
        NDJSON: {"schema": {"type": "string"}, "examples": {"ratings": {"value": ROWS}}},
        CSV: {"schema": {"type": "string"}, "examples": {"ratings": {"value": TABLE}}},
    },
}
ANSWER = """\
{"line":7,"user_id":"ada","item_id":"x","status":"refused","errors":[{"field":"/value","detail":"must be a number"}]}
{"status":"complete","kind":"ratings","counts":{"read":9,"created":6,"updated":1,"unchanged":1,"stale":0,"refused":1}}
"""
TEXT = {"schema": {"type": "string"}}
ANSWER_LINE = {"oneOf": [inline(ImportRefusal), inline(ImportDone)]}
EXPORT_LINE = {"oneOf": [inline(ExportedRating), inline(ExportedItem)]}
ANSWERED: Responses = {
    200: {"description": "Done.", "content": {NDJSON: TEXT | {"itemSchema": ANSWER_LINE, "example": ANSWER}}}
}
EXPORTED: Responses = {
    200: {"description": "One row a line.", "content": {NDJSON: TEXT | {"itemSchema": EXPORT_LINE}, CSV: TEXT}}
}


@router.post(
    "/v1/imports",
    summary="Import ratings or items",
    response_class=StreamingResponse,
    responses=ANSWERED | problem_responses(InvalidRequest, FormatUnsupported, BodyStalled, IdempotencyKeyReused),
    openapi_extra={"requestBody": BODY},
    max_body_size=NO_LIMIT,
)
async def post_import(
    request: Request,
    database: DatabaseDep,
    settings: SettingsDep,
    kind: Annotated[Kind, Query(description="What the rows are.", examples=["ratings"])],
    column: Annotated[list[str], Query(description="FIELD=COLUMN, where a column has another name.")] = [],  # noqa: B006
    columns: Annotated[str | None, Query(description="Places of user, item, value and date: 1,2,3,4.")] = None,
    header: Annotated[bool, Query(description="Whether the first line names the columns.")] = True,
    user: Annotated[str | None, Query(description="Whose ratings they are, of a file of one user.")] = None,
    value: Annotated[str | None, Query(description="The rating that each row stands for.")] = None,
    words: Annotated[list[str], Query(alias="map", description="What words mean: up=5,down=1, or as JSON.")] = [],  # noqa: B006
    unrated: Annotated[str | None, Query(description="Values that mean not rated: 0,-1.")] = None,
    timezone: Annotated[str | None, Query(description="Of dates without a zone; by default UTC.")] = None,
    date_order: Annotated[Literal["dmy", "mdy", "ymd"] | None, Query(description="Of dates such as 03/04/21.")] = None,
    rescale: Annotated[str | None, Query(description="MIN:MAX of the rows, stretched over the own scale.")] = None,
    match_titles: Annotated[
        bool, Query(description="Take a title and year that the catalogue has for its item.")
    ] = False,
    max_refused: Annotated[
        float, Query(ge=0, le=1, description="The share of rows that may be refused.")
    ] = MAX_REFUSED,
    dry_run: Annotated[bool, Query(description="Show what would be stored, and store nothing.")] = False,
    once: OnceStreamedDep = None,
) -> Response:
    """Import any number of rows, as `palate import` does, while they arrive; nothing is held in memory.

    Batches are stored as they come. The answer is NDJSON: a line for each refused row, then one line with the counts;
    a problem if nothing was taken, or more rows were refused than `max_refused` allows.
    A JSON array (application/json) is taken, too, and text/plain is what it is found out to be.
    To send the same again changes nothing, so whatever was interrupted is simply sent again. With an `Idempotency-Key`
    the answer is the same, too, but for refused rows after the first 64 KiB of lines.
    """
    form = form_of(request.headers.get("content-type", ""))
    received = Receiver(request.stream(), asyncio.get_running_loop())
    packing = "gzip" if is_gzip(request.headers.get("content-encoding", "")) else None
    once = None if dry_run else once
    pieces = once.read(received.pieces()) if once else received.pieces()
    is_repeated = once is not None and bool(await database.read(is_known, once.hash))
    if once and is_repeated:
        return respond(await repeat(database, once, pieces), NDJSON)
    body = Body(expand(pieces, "the body", packing), received.stop)
    options = {
        "column": column,
        "columns": columns,
        "has_header": header,
        "user": user,
        "value": value,
        "words": words,
        "unrated": unrated,
        "timezone": timezone,
        "date_order": date_order,
        "rescale": rescale,
        "max_refused": max_refused,
        "match_titles": match_titles,
    }
    async with request.app.state.transfers:
        answer = await run_import(database, settings, body, (form, kind, dry_run, options))
    if once:
        await asyncio.to_thread(drain, pieces)  # what may follow a compressed body
        kept = Answer(HTTPStatus.OK, answer.text())
        first = await database.write(carry_out, once.once(), lambda _: kept)
        if first.is_replayed:  # the same came twice at once
            return respond(first, NDJSON)
    return StreamingResponse(answer.lines(), media_type=NDJSON)


async def repeat(database: Database, once: OnceStreamed, pieces: Iterator[bytes]) -> Answer:
    """Return the answer that an import got before.

    Raises:
        IdempotencyKeyReused: if it was another request.
    """
    await asyncio.to_thread(drain, pieces)
    return await database.read(find_answer, once.once()) or Answer(HTTPStatus.OK, "")


def drain(pieces: Iterator[bytes]) -> None:
    """Read to the end."""
    for _ in pieces:
        pass


def form_of(content_type: str) -> str:
    """Return the format of a body.

    Raises:
        FormatUnsupported: if it is none of ours.
    """
    header = Message()
    header["content-type"] = content_type or "application/octet-stream"
    charset = header.get_content_charset("utf-8")
    if header.get_content_type() not in FORMS or charset not in {"utf-8", "utf8", "us-ascii"}:
        detail = f"must be {NDJSON} or {CSV}, {JSON} or text/plain, in UTF-8"
        raise FormatUnsupported(f"Content-Type {detail}.", [FieldProblem("Content-Type", detail)])
    return FORMS[header.get_content_type()]


def is_gzip(encoding: str) -> bool:
    """Return whether a body is compressed.

    Raises:
        FormatUnsupported: if it is, by something else.
    """
    if encoding.strip().lower() not in {"", "identity", "gzip", "x-gzip"}:
        detail = "must be gzip, or left out"
        raise FormatUnsupported(f"Content-Encoding {detail}.", [FieldProblem("Content-Encoding", detail)])
    return "gzip" in encoding.lower()


async def run_import(
    database: Database, settings: Settings, body: Body, request: tuple[str, str, bool, dict[str, Any]]
) -> "incoming.Answer":
    """Import in a thread of its own, whose event loop stores while this one receives."""

    def work() -> "incoming.Answer":
        from app.transfer.incoming import ImportRequest, import_body

        keep_out = KeepOut.of(settings)
        return import_body(database, Scale.of(settings), body, ImportRequest(*request), keep_out=keep_out)

    thread = ThreadPoolExecutor(1, thread_name_prefix="import")
    try:
        return await asyncio.get_running_loop().run_in_executor(thread, work)
    finally:
        thread.shutdown(wait=False)


@router.get(
    "/v1/exports/{kind}",
    summary="Export ratings or items",
    response_class=StreamingResponse,
    responses=EXPORTED | problem_responses(InvalidRequest),
)
async def get_export(
    request: Request,
    database: DatabaseDep,
    kind: Annotated[Kind, Path(description="What to export.", examples=["ratings"])],
    format: Annotated[  # noqa: A002 - the parameter's name
        Literal["ndjson", "csv"] | None, Query(description="By default as Accept says, else NDJSON.", examples=["csv"])
    ] = None,
    accept: Annotated[str, Header(include_in_schema=False)] = "",
) -> StreamingResponse:
    """Export everything, from one snapshot, in the order of the ids; an import of it gives the same back.

    An export that was not read to the end, or whose connection broke, is not complete.
    """
    form = format or ("csv" if CSV in accept.lower() and NDJSON not in accept.lower() else "ndjson")
    chunks = export_in_turn(request.app.state.transfers, database, kind, form)
    first = await anext(chunks, b"")  # an error before it is answered as one
    return StreamingResponse(chain_chunks(first, chunks), media_type=CSV if form == "csv" else NDJSON)


async def export_in_turn(places: asyncio.Semaphore, database: Database, kind: str, form: str) -> AsyncIterator[bytes]:
    """Export when there is a place."""
    from app.transfer.outgoing import stream_export

    async with places, aclosing(cast("Any", stream_export(database, kind, form))) as chunks:
        async for chunk in chunks:
            yield chunk


async def chain_chunks(first: bytes, chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Return the first chunk, and the others."""
    async with aclosing(cast("Any", chunks)):
        yield first
        async for chunk in chunks:
            yield chunk
