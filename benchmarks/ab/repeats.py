"""Many experiments of which the truth is known, judged by the report's own rules."""

from collections.abc import Iterator
from datetime import UTC, datetime
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from app.experiments.assignment import Arm
from app.experiments.figures import ArmFigures, Metric
from app.experiments.report import Report
from app.experiments.statistics import ALPHA, QUANTILE, Sums
from app.tables import Experiment, ExperimentState
from benchmarks.ab.audience import ITEMS, Audience

SHARES = {"share": 1.0, "treatment_share": 0.5, "salt": "s", "state": ExperimentState.RUNNING}
EXPERIMENT = Experiment(id=1, name="x", control="a", treatment="b", started_at=datetime.now(UTC), **SHARES)
LOOKS = np.linspace(0.2, 1, 20)  # shares of the users who have been there
Numbers = NDArray[np.float64]
Rows = tuple[Numbers, Numbers]  # items shown and clicked, of each user


def people(generator: np.random.Generator, audience: Audience, num: int) -> Rows:
    """Let people come and click."""
    tastes = audience.tastes(generator, num)
    shown = ITEMS * audience.visits(generator, tastes)
    return shown.astype(float), generator.binomial(shown, tastes).astype(float)


def figures(rows: Rows) -> ArmFigures:
    """Sum up over an arm's users, as the query over events does."""
    x, y = rows
    sums = Sums(num_users=len(x), x=x.sum(), y=y.sum(), xx=float(x @ x), yy=float(y @ y), xy=float(x @ y))
    return ArmFigures("", {"users": len(x)}, {Metric.CLICK_THROUGH: sums})


def looked_at(arms: dict[Arm, Rows], share: float) -> Report:
    """Report when so many of the users have been there."""
    seen = {arm: figures((x[: int(share * len(x))], y[: int(share * len(y))])) for arm, (x, y) in arms.items()}
    return Report(EXPERIMENT, seen[Arm.CONTROL], seen[Arm.TREATMENT], Metric.CLICK_THROUGH)


def outcomes(
    generator: np.random.Generator, audiences: tuple[Audience, Audience], num_users: int
) -> Iterator[tuple[str, bool]]:
    """Run one experiment; tell what is true of it."""
    num = generator.binomial(num_users, 0.5)
    control, treatment = audiences
    arms = {
        Arm.CONTROL: people(generator, control, num_users - num),
        Arm.TREATMENT: people(generator, treatment, num),
    }
    looks = [looked_at(arms, share) for share in LOOKS]
    last, truth = looks[-1].difference(Metric.CLICK_THROUGH), treatment.ctr - control.ctr
    assert last is not None
    yield "interval holds the truth", last.low <= truth <= last.high
    yield "p < 0.05", last.p_value < ALPHA
    yield "p < 0.05, items as units", abs(last.value) > QUANTILE * error_of_items(arms)
    yield "p < 0.05 at any of 20 looks", any(p_value(look) < ALPHA for look in looks)
    yield "decided at any of 20 looks", any(look.better is not None for look in looks)
    yield "split suspect", looks[-1].is_split_suspect


def p_value(look: Report) -> float:
    """Return the probability of the difference by chance."""
    difference = look.difference(Metric.CLICK_THROUGH)
    assert difference is not None
    return difference.p_value


def error_of_items(arms: dict[Arm, Rows]) -> float:
    """Return the standard error as if all items were shown to different people."""
    rates = [(y.sum() / x.sum(), x.sum()) for x, y in arms.values()]
    return sqrt(sum(rate * (1 - rate) / num for rate, num in rates))


def repeat(audiences: tuple[Audience, Audience], num_users: int, repeats: int, seed: int) -> dict[str, float]:
    """Repeat an experiment; give the share of the repeats of which each is true."""
    generator = np.random.default_rng(seed)
    found = [dict(outcomes(generator, audiences, num_users)) for _ in range(repeats)]
    return {name: sum(each[name] for each in found) / repeats for name in found[0]}
