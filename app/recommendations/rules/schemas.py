"""Request and response of the rules' routes."""

from datetime import datetime

from pydantic import ConfigDict, Field

from app.recommendations.request.filter_schemas import RulesIn


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
