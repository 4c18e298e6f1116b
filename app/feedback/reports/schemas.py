"""Reports as the API gives them."""

from datetime import datetime

from pydantic import BaseModel, Field

from app.feedback.reports.service import By


class RateOut(BaseModel):
    """A share with its 95 % interval (Wilson's score interval). Null where nothing was counted."""

    numerator: int
    denominator: int
    rate: float | None
    low: float | None = Field(description="Lower end of the interval.")
    high: float | None = Field(description="Upper end.")


class ReportLine(BaseModel):
    """What became of the answers of one group. What is not asked for by `by` is not there."""

    version: str | None = Field(None, description="Null: answers without a model.")
    source: str | None = None
    position: int | None = Field(None, description="In the whole list, from 1.")
    list: str | None = Field(None, description="user, guest, similar, popular or new.")
    experiment: int | None = Field(None, description="0: none.")
    num_answers: int = Field(description="Answers of which at least one item was shown.")
    value: float = Field(description="Of all that was bought, as reported.")
    click_through: RateOut = Field(description="Items clicked of those shown.")
    rating: RateOut = Field(description="Items rated of those shown.")
    conversion: RateOut = Field(description="Items bought of those shown.")
    hit: RateOut = Field(description="Answers with an item clicked, rated or bought, of the answers shown.")


class Report(BaseModel):
    """What became of the answers that were made in a time."""

    start: datetime | None = Field(description="`from`, as it was asked for.")
    until: datetime | None
    by: list[By]
    lines: list[ReportLine] = Field(description="In the order of `by`.")
