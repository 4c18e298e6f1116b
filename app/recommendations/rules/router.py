"""The catalogue's rules over HTTP."""

from datetime import UTC, datetime

from fastapi import APIRouter

from app.kit.errors import InvalidRequest
from app.recommendations.rules import repository
from app.recommendations.rules.repository import StoredRules
from app.recommendations.rules.schemas import RulesOut, RulesSet
from app.web.bounded import BoundedRoute
from app.web.deps import DatabaseDep
from app.web.problem import problem_responses

router = APIRouter(route_class=BoundedRoute, prefix="/v1/rules", tags=["rules"])


def to_response(rules: StoredRules) -> RulesOut:
    """Return stored rules as the response that shows them."""
    document = {"block": [], "boost": [], "pin": [], **rules.document}
    return RulesOut.model_validate({**document, "revision": rules.revision, "updated_at": rules.updated_at})


@router.get("", summary="Show the rules", responses=problem_responses(), response_model_exclude_unset=True)
async def get_rules(database: DatabaseDep) -> RulesOut:
    """Show what is blocked, boosted and pinned in every user's recommendations."""
    return to_response(await database.read(repository.find_rules))


@router.put("", summary="Set the rules", responses=problem_responses(InvalidRequest), response_model_exclude_unset=True)
async def put_rules(rules: RulesSet, database: DatabaseDep) -> RulesOut:
    """Replace the rules. Every process applies them from its next answer on."""
    document = rules.model_dump(mode="json", by_alias=True, exclude_unset=True)
    return to_response(await database.write(repository.set_rules, document, datetime.now(UTC)))


@router.delete("", summary="Remove the rules", status_code=204, responses=problem_responses())
async def delete_rules(database: DatabaseDep) -> None:
    """Remove every rule."""
    await database.write(repository.remove_rules, datetime.now(UTC))
