"""Erasures over HTTP."""

from typing import Annotated

from fastapi import APIRouter, Path, Response

from app.erasure import service
from app.erasure.schemas import ErasedOut, ReceiptOut
from app.idempotency.deps import OnceDep, respond
from app.idempotency.service import Answer, complete
from app.idempotency.service import find as find_answer
from app.keep_out.service import KeepOut
from app.kit.errors import ErasureNotFound, IdempotencyKeyReused, UserNotFound
from app.web.deps import DatabaseDep, SettingsDep
from app.web.paths import PathUserId
from app.web.problem import problem_responses

router = APIRouter(tags=["erasures"])
ErasureId = Annotated[str, Path(description="`erasure_id` of a receipt.")]


@router.delete(
    "/v1/users/{user_id}",
    summary="Erase a user",
    response_model=ErasedOut,
    responses=problem_responses(UserNotFound, IdempotencyKeyReused),
)
async def delete_user(user_id: PathUserId, database: DatabaseDep, settings: SettingsDep, once: OnceDep) -> Response:
    """Erase a user: all their rows are deleted at once, and no model trained from now on uses their ratings.

    Keep the receipt's id: it cannot be found by the user's id any more, only by the request's `Idempotency-Key`. If the
    id comes again, it is a new user, or refused where PALATE_KEEP_OUT is set.
    """
    keep_out = KeepOut.of(settings)
    before = await database.read(find_answer, once)
    if before and before.body is not None:
        return respond(before)
    receipt = await service.erase_user(database, settings.model_store, user_id, keep_out, once=once)
    body = ErasedOut.of_new(receipt, keep_out).model_dump_json()
    answer = Answer(200, body, subject=receipt.erasure.id, is_replayed=before is not None)
    return respond(await database.write(complete, once, answer) if once else answer)


@router.get("/v1/erasures/{erasure_id}", summary="Follow an erasure", responses=problem_responses(ErasureNotFound))
async def get_erasure(erasure_id: ErasureId, database: DatabaseDep) -> ReceiptOut:
    """Show the current receipt: which versions still hold the erased user, and since when the live one does not."""
    return ReceiptOut.of(await database.read(service.get_receipt, erasure_id))
