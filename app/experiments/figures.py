"""The feedback on an experiment's answers: sums over the users of each arm, from the events."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import Float, Integer, cast, func, select
from sqlalchemy.orm import Session

from app.experiments.statistics import Sums
from app.kit.times import to_us
from app.tables import Event, Experiment

MAX_CLOCK_SKEW_US = 10 * 60 * 1_000_000  # between the database and the servers


class Metric(StrEnum):
    """A metric to compare; each is the ratio of two sums over users."""

    CLICK_THROUGH = "click_through"  # items clicked, of items shown
    HIT = "hit"  # answers with an item clicked, rated or bought, of answers of which one was shown
    CONVERSION = "conversion"  # items bought, of items shown
    BUYERS = "buyers"  # users who bought an item shown, of users who were shown one


PARTS = {
    Metric.CLICK_THROUGH: ("impressions", "clicks"),
    Metric.HIT: ("answers", "hits"),
    Metric.CONVERSION: ("impressions", "purchases"),
    Metric.BUYERS: ("one", "buyers"),
}
COUNTS = ("impressions", "clicks", "answers", "hits", "purchases", "buyers")


@dataclass(frozen=True)
class ArmFigures:
    """An arm in numbers: counts by name (`users` and `COUNTS`), and the sums that each metric is made of."""

    version: str
    counts: Mapping[str, int]
    sums: Mapping[Metric, Sums]

    @classmethod
    def of(cls, version: str, row: Mapping[str, Any]) -> "ArmFigures":
        """Build from a row of counts; an arm without users has none."""
        number = {name: value or 0 for name, value in row.items() if name != "version"}
        counts = {name: int(number.get(name, 0)) for name in ("users", *COUNTS)}
        return cls(version, counts, {metric: sums_of(number, *parts) for metric, parts in PARTS.items()})


def sums_of(number: Mapping[str, Any], x: str, y: str) -> Sums:
    """Pick the sums of a metric."""
    names = {"x": x, "y": y, "xx": f"{x}*{x}", "yy": f"{y}*{y}", "xy": f"{x}*{y}"}
    picked = {name: float(number.get(column, 0)) for name, column in names.items()}
    return Sums(num_users=int(number.get("users", 0)), **picked)


def read_figures(session: Session, experiment: Experiment) -> tuple[ArmFigures, ArmFigures]:
    """Count the feedback on an experiment's answers: control, treatment. It reads every event since the start.

    Only what was shown counts, and only of users that Palate knows: erased users and guests do not count.
    """
    found = {row["version"]: dict(row) for row in session.execute(over_arms(experiment)).mappings()}
    control, treatment = experiment.control, experiment.treatment
    return ArmFigures.of(control, found.get(control, {})), ArmFigures.of(treatment, found.get(treatment, {}))


def over_arms(experiment: Experiment) -> Any:
    """Sum up over the users of each version: counts, and the products that variances are made of."""
    users = over_users(experiment)
    columns = {name: cast(users.c[name], Float(53)) for name in COUNTS} | {"one": cast(1, Float(53))}
    sums = {name: func.sum(columns[name]) for name in columns}
    for x, y in PARTS.values():
        sums |= {f"{a}*{b}": func.sum(columns[a] * columns[b]) for a, b in ((x, x), (y, y), (x, y))}
    labelled = [total.label(name) for name, total in sums.items()]
    return select(users.c.version, func.count().label("users"), *labelled).group_by(users.c.version)


def over_users(experiment: Experiment) -> Any:
    """Sum up over the answers of each user."""
    answers = over_answers(experiment)
    whose = answers.c.version, answers.c.user_id
    return (
        select(
            *whose,
            func.sum(answers.c.impressions).label("impressions"),
            func.sum(answers.c.clicks).label("clicks"),
            func.count().label("answers"),
            func.sum(answers.c.hit).label("hits"),
            func.sum(answers.c.purchases).label("purchases"),
            func.max(cast(answers.c.purchases > 0, Integer)).label("buyers"),
        )
        .group_by(*whose)
        .subquery()
    )


def over_answers(experiment: Experiment) -> Any:
    """Sum up over the items of each answer of which any was shown."""
    items = over_events(experiment)
    which = items.c.version, items.c.user_id, items.c.answered_at_us, items.c.answer
    return (
        select(
            *which,
            func.count().label("impressions"),
            func.sum(items.c.click).label("clicks"),
            func.max(items.c.hit).label("hit"),
            func.sum(items.c.purchase).label("purchases"),
        )
        .group_by(*which)
        .subquery()
    )


def over_events(experiment: Experiment) -> Any:
    """Flag with 1 or 0 whether each item shown was clicked, bought, or clicked, rated or bought."""
    which = Event.version, Event.user_id, Event.answered_at_us, Event.answer, Event.item_id
    types = {name: [name] for name in ("impression", "click", "purchase")} | {"hit": ["click", "rating", "purchase"]}
    has = {name: func.max(cast(Event.type.in_(names), Integer)) for name, names in types.items()}
    return (
        select(*which, *(has[name].label(name) for name in ("click", "purchase", "hit")))
        .where(
            Event.answered_at_us >= to_us(experiment.started_at) - MAX_CLOCK_SKEW_US,
            Event.experiment == experiment.id,
            Event.user_id.is_not(None),
        )
        .group_by(*which)
        .having(has["impression"] == 1)
        .subquery()
    )
