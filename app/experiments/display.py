"""A report on a terminal."""

from rich.table import Table

from app.experiments.assignment import Arm
from app.experiments.figures import Metric
from app.experiments.report import NAMES, Report
from app.experiments.statistics import Interval


def table_of(report: Report) -> Table:
    """Lay a report out: a line for each metric, rates in per cent with their 95 % intervals."""
    control, treatment = report.num_users
    table = Table("", f"control ({control:,} users)", f"treatment ({treatment:,} users)", "difference", "p", box=None)
    rates = report.rates
    for metric in Metric:
        found = report.difference(metric)
        arms = [percent(rates[arm][metric]) for arm in (Arm.CONTROL, Arm.TREATMENT)]
        table.add_row(NAMES[metric], *arms, percent(found), f"{found.p_value:.2g}" if found else "")
    return table


def percent(interval: Interval | None) -> str:
    """Write a figure with its interval."""
    if interval is None:
        return ""
    return f"{100 * interval.value:.2f} % ({100 * interval.low:.2f} to {100 * interval.high:.2f})"
