"""The response of the report of an experiment."""

from pydantic import BaseModel, Field

from app.experiments.assignment import Arm
from app.experiments.figures import ArmFigures, Metric
from app.experiments.report import Report
from app.experiments.schemas import ExperimentOut
from app.experiments.statistics import Interval


class RateEstimate(BaseModel):
    """A rate with its 95 % interval; users are the unit."""

    value: float
    low: float
    high: float

    @classmethod
    def of(cls, interval: Interval | None) -> "RateEstimate | None":
        """Describe an estimate; a share is never below 0 or above 1."""
        if interval is None:
            return None
        return cls(value=interval.value, low=max(0.0, interval.low), high=min(1.0, interval.high))


class ArmReport(BaseModel):
    """One arm: what its users were shown, and their feedback. Only items with an `impression` count."""

    version: str
    num_users: int = Field(description="Users of it who were shown something; those erased since are not among them.")
    num_answers: int = Field(description="Answers of which something was shown.")
    num_shown: int = Field(description="Items shown.")
    num_clicked: int = Field(description="Items of these that were clicked.")
    num_hits: int = Field(description="Answers of which an item shown was clicked, rated or bought.")
    num_bought: int = Field(description="Items of those shown that were bought.")
    num_buyers: int = Field(description="Users who bought an item that an answer had shown them.")
    click_through: RateEstimate | None = Field(description="Clicked, of shown. Null: too few users to say.")
    hit: RateEstimate | None = Field(description="Hits, of answers.")
    conversion: RateEstimate | None = Field(description="Bought, of shown.")
    buyers: RateEstimate | None = Field(description="Buyers, of users.")

    @classmethod
    def of(cls, figures: ArmFigures, rates: dict[Metric, Interval | None]) -> "ArmReport":
        """Describe an arm."""
        counts = figures.counts
        return cls(
            version=figures.version,
            num_users=counts["users"],
            num_answers=counts["answers"],
            num_shown=counts["impressions"],
            num_clicked=counts["clicks"],
            num_hits=counts["hits"],
            num_bought=counts["purchases"],
            num_buyers=counts["buyers"],
            **{metric: RateEstimate.of(rate) for metric, rate in rates.items()},
        )


class ArmDifference(BaseModel):
    """Treatment less control, in one metric."""

    metric: Metric
    difference: float
    low: float = Field(description="Of the 95 % interval, for one look that was planned.")
    high: float
    p_value: float = Field(description="How often chance alone gives so large a difference, of either sign.")
    always_low: float = Field(description="Of the 95 % interval that holds at all looks together.")
    always_high: float
    detectable: float = Field(description="A true difference found in four experiments of five with so many users.")


class UserSplit(BaseModel):
    """Whether the users are divided as planned."""

    treatment_share: float | None = Field(description="Of the users who were shown something; null: no user was.")
    expected: float
    p_value: float = Field(description="How often chance alone divides so unevenly (chi-square).")
    suspect: bool = Field(description="Below 0.001: one arm's users or events are lost somewhere; trust no figure.")


class ExperimentReport(BaseModel):
    """An experiment in figures."""

    experiment: ExperimentOut
    control: ArmReport
    treatment: ArmReport
    differences: list[ArmDifference] = Field(description="In each metric of which something can be said.")
    split: UserSplit
    metric: Metric = Field(description="The metric that decides.")
    better: Arm | None = Field(description="The arm that is better, as soon as that is decided.")
    verdict: str = Field(description="What follows, in words.")

    @classmethod
    def of(cls, report: Report) -> "ExperimentReport":
        """Describe a report."""
        rates, (control, treatment) = report.rates, report.num_users
        return cls(
            experiment=ExperimentOut.model_validate(report.experiment),
            control=ArmReport.of(report.control, dict(rates[Arm.CONTROL])),
            treatment=ArmReport.of(report.treatment, dict(rates[Arm.TREATMENT])),
            differences=differences_of(report),
            split=UserSplit(
                treatment_share=treatment / (control + treatment) if control + treatment else None,
                expected=report.experiment.treatment_share,
                p_value=report.split_p_value,
                suspect=report.is_split_suspect,
            ),
            metric=report.metric,
            better=report.better,
            verdict=report.verdict,
        )


def differences_of(report: Report) -> list[ArmDifference]:
    """Describe the differences."""
    return [
        ArmDifference(
            metric=metric,
            difference=found.value,
            low=found.low,
            high=found.high,
            p_value=found.p_value,
            always_low=found.value - found.always_half_width,
            always_high=found.value + found.always_half_width,
            detectable=found.detectable,
        )
        for metric in Metric
        if (found := report.difference(metric)) is not None
    ]
