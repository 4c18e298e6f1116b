"""The catalogue's rules over HTTP."""

from datetime import UTC, datetime

from fastapi import APIRouter
from pydantic import ConfigDict, Field

from app.kit.errors import InvalidRequest
from app.recommendations.request.filter_schemas import RulesIn
from app.recommendations.rules import repository
from app.recommendations.rules.repository import StoredRules
from app.web.deps import DatabaseDep
from app.web.problem import problem_responses

router = APIRouter(prefix="/v1/rules", tags=["rules"])


class RulesSet(RulesIn):
    """Rules for every answer; what is left out is empty."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "block": ["clueless-1995"],
                    "boost": [
                        {"factor": 1.5, "category": ["Drama"]},
                        {"factor": 0.5, "attribute": [{"name": "year", "lte": 1960}]},
                    ],
                    "pin": [{"item_id": "blade-runner-1982", "position": 3}],
                }
            ]
        },
    )


class RulesOut(RulesIn):
    """The rules for every answer."""

    revision: int | None = Field(description="Of the catalogue's change that set them; null if there are none.")
    updated_at: datetime | None


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
