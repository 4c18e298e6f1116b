"""The response of the route of reports."""

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
    """The feedback on the answers of one group; only the fields of `by` are present."""

    version: str | None = Field(None, description="Null: answers without a model.")
    source: str | None = None
    position: int | None = Field(None, description="In the whole list, from 1.")
    list: str | None = Field(None, description="user, guest, similar, popular or new.")
    experiment: int | None = Field(None, description="0: none.")
    num_answers: int = Field(description="Answers of which at least one item was shown.")
    value: float = Field(description="Sum of the reported values of purchases.")
    click_through: RateOut = Field(description="Items clicked of those shown.")
    rating: RateOut = Field(description="Items rated of those shown.")
    conversion: RateOut = Field(description="Items bought of those shown.")
    hit: RateOut = Field(description="Answers with an item clicked, rated or bought, of the answers shown.")


class Report(BaseModel):
    """The feedback on the answers made in a period."""

    start: datetime | None = Field(description="`from` of the request.")
    until: datetime | None
    by: list[By]
    lines: list[ReportLine] = Field(description="In the order of `by`.")
