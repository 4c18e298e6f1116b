"""The report of an experiment: each arm's rates, how they differ, whether the split is right, and the verdict."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy.orm import Session

from app.experiments import service
from app.experiments.assignment import Arm
from app.experiments.figures import ArmFigures, Metric, read_figures
from app.experiments.statistics import ALPHA, Difference, Interval, ratio, split_p_value
from app.tables import Experiment

MIN_USERS = 100  # of an arm: of fewer the normal distribution says little
SPLIT_ALPHA = 0.001  # a split less likely than this is not by chance
NAMES = {
    Metric.CLICK_THROUGH: "click-through rate",
    Metric.HIT: "hit rate",
    Metric.CONVERSION: "conversion",
    Metric.BUYERS: "share of buyers",
}


@dataclass(frozen=True)
class Report:
    """An experiment in figures; rates and differences are None where nothing can be said."""

    experiment: Experiment
    control: ArmFigures
    treatment: ArmFigures
    metric: Metric  # that decides

    @property
    def rates(self) -> Mapping[Arm, Mapping[Metric, Interval | None]]:
        """The rates of each arm."""
        arms = {Arm.CONTROL: self.control, Arm.TREATMENT: self.treatment}
        return {arm: {metric: ratio(sums) for metric, sums in of.sums.items()} for arm, of in arms.items()}

    @property
    def num_users(self) -> tuple[int, int]:
        """The number of users who were shown something: control, treatment."""
        return self.control.counts["users"], self.treatment.counts["users"]

    def difference(self, metric: Metric) -> Difference | None:
        """Subtract control from treatment."""
        control, treatment = (ratio(arm.sums[metric]) for arm in (self.control, self.treatment))
        return Difference.of(treatment, control, sum(self.num_users)) if treatment and control else None

    @property
    def split_p_value(self) -> float:
        """How often chance alone divides the users as they are divided."""
        return split_p_value(*self.num_users, self.experiment.treatment_share)

    @property
    def is_split_suspect(self) -> bool:
        """Whether something must have lost users of one arm."""
        return self.split_p_value < SPLIT_ALPHA

    @property
    def better(self) -> Arm | None:
        """The better arm, once decided: right in 95 % of experiments, however often the report is read."""
        found = self.difference(self.metric)
        if found is None or self.is_split_suspect or min(self.num_users) < MIN_USERS:
            return None
        if abs(found.value) <= found.always_half_width:
            return None
        return Arm.TREATMENT if found.value > 0 else Arm.CONTROL

    @property
    def verdict(self) -> str:
        """The conclusion, in a sentence or two."""
        control, treatment = (f"{num:,}" for num in self.num_users)
        if self.is_split_suspect:
            planned = f"{self.experiment.treatment_share:.0%} for the treatment"
            return (
                f"Do not go by this: {control} users of control and {treatment} of treatment were shown something. "
                f"{planned} were planned, and this is no chance (p = {self.split_p_value:.1g}): "
                "first find out where one arm's users, or their events, are lost."
            )
        found = self.difference(self.metric)
        if found is None or min(self.num_users) < MIN_USERS:
            return (
                f"Not decided yet: {control} users of control and {treatment} of treatment were shown something; "
                f"{MIN_USERS} of each are the least."
            )
        return describe_difference(NAMES[self.metric], found, self.better)


def describe_difference(name: str, found: Difference, better: Arm | None) -> str:
    """Describe a difference and whether it decides."""
    seen = (
        f"The treatment's {name} is {points(abs(found.value))} {'higher' if found.value >= 0 else 'lower'} "
        f"(95 % interval {100 * found.low:+.2f} to {100 * found.high:+.2f}, p = {found.p_value:.2g})"
    )
    if better is not None:
        return f"Decided: {better} is better. {seen}."
    if found.p_value < ALPHA:
        return (
            f"Not decided yet. {seen}. That counts if this is the one look you had planned; whoever looks often meets "
            f"such differences by chance: {points(found.always_half_width)} decide at any time."
        )
    return (
        f"Not decided yet. {seen}. Of so many users, a true difference of {points(found.detectable)} would be found in "
        "four experiments of five."
    )


def points(share: float) -> str:
    """Write a difference of two shares."""
    return f"{100 * share:.2f} points"


def report(session: Session, number: int, metric: Metric) -> Report:
    """Report on an experiment, running or stopped.

    Raises:
        ExperimentNotFound: if there is no such experiment.
    """
    experiment = service.get(session, number)
    return Report(experiment, *read_figures(session, experiment), metric)
