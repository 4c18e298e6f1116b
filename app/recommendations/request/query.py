"""What every request for recommendations may ask for: a body's fields, a query's parameters."""

from typing import Annotated, Any, Self

from pydantic import Field, model_validator

from app.recommendations.request.filter_schemas import FilterIn, RulesIn
from app.recommendations.request.options import Options
from app.settings import MAX_LIST

MAX_EXPLAINED = 100  # items of an answer
MAX_HOURS = 8_760  # a year


FEWER_EXPLAINED: dict[str, Any] = {
    "if": {"required": ["explain"], "properties": {"explain": {"const": True}}},
    "then": {"properties": {"limit": {"maximum": MAX_EXPLAINED}}},
}


class RecommendationQuery(FilterIn, RulesIn):
    """What a caller asks for."""

    limit: Annotated[int, Field(ge=1, le=MAX_LIST, description="Number of items.")] = 10
    include_rated: Annotated[bool, Field(description="Recommend rated items too.")] = False
    diversity: Annotated[
        float, Field(ge=0, le=1, description="How different from each other the items are to be; 0: the plain order.")
    ] = 0.0
    exploration: Annotated[
        float, Field(ge=0, le=1, description="Share of the places that new items get; their source is `new`.")
    ] = 0.0
    rotation: Annotated[
        float,
        Field(ge=0, le=1, description="How far recently shown items are demoted; 0: not at all, 1: behind all others."),
    ] = 0.0
    rotation_hours: Annotated[
        float, Field(gt=0, le=MAX_HOURS, description="For how long an impression counts, less and less.")
    ] = 24.0
    explain: Annotated[
        bool,
        Field(description=f"Name the ratings that each item is due to; `limit` is {MAX_EXPLAINED} at most then."),
    ] = False
    explain_ratings: Annotated[
        int,
        Field(ge=1, le=20, description="Number of ratings named for each item that raised it, and that lowered it."),
    ] = 3

    @model_validator(mode="after")
    def _limit_allows_explanations(self) -> Self:
        if self.explain and self.limit > MAX_EXPLAINED:
            raise ValueError(f"limit must be {MAX_EXPLAINED} at most with explain=true")
        return self

    def options(self) -> Options:
        """Return what is asked for as immutable, hashable options."""
        return Options(
            limit=self.limit,
            include_rated=self.include_rated,
            filter=self.filter(),
            rules=self.rules(),
            diversity=self.diversity,
            exploration=self.exploration,
            rotation=self.rotation,
            rotation_hours=self.rotation_hours,
            explain_ratings=self.explain_ratings if self.explain else 0,
        )
