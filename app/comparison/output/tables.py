"""The tables of a comparison, the same for the terminal and for Markdown."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import isclose

from app.comparison.output import figures
from app.comparison.protocols import PROTOCOLS, RANKING, RATING
from app.comparison.results import Results

LABELS = {
    "ndcg@10": "NDCG@10",
    "ndcg@100": "NDCG@100",
    "recall@20": "Recall@20",
    "recall@50": "Recall@50",
    "rmse": "RMSE",
    "mae": "MAE",
}
Write = Callable[[float], str]
EXPOSURE: dict[str, tuple[str, Write]] = {
    "coverage": ("coverage", lambda value: share(value)),
    "gini": ("Gini", lambda value: share(value)),
    "popularity": ("popularity", lambda value: share(value)),
    "overlap": ("overlap", lambda value: share(value)),
}
COSTS: dict[str, tuple[str, Write]] = {
    "seconds": ("seconds", lambda value: amount(value)),
    "cpu_seconds": ("CPU s", lambda value: amount(value)),
    "epochs": ("epochs", lambda value: amount(value)),
    "peak_mib": ("peak MiB", lambda value: f"{value:,.0f}"),
    "model_bytes": ("model MB", lambda value: amount(value / 1e6)),
    "score_us": ("µs a user", lambda value: f"{value:,.0f}"),
}
EXPOSURE_NOTE = (
    "Of lists of 10: share of the items that are in any list; how unevenly they share the places; share of the "
    "training users who rated what is shown; share of a list that two users have in common."
)
COSTS_NOTE = (
    "Time of the fit with its validation, most memory of its process, size of the weights, and the time to score all "
    "items for one user at a time; means over the seeds."
)
NOTHING = "-"


@dataclass(frozen=True)
class Cell:
    """A figure as text; bold where it stands out."""

    text: str
    is_bold: bool = False


@dataclass(frozen=True)
class Sheet:
    """A table: a title, a sentence on how to read it, labels, and named rows of cells."""

    title: str
    note: str
    labels: tuple[str, ...]
    rows: list[tuple[str, list[Cell]]]


def sheets(results: Results, baseline: str | None) -> Iterator[Sheet]:
    """Lay out all tables, protocol by protocol."""
    for protocol in results.protocols:
        for metrics in (RANKING, RATING):
            if set(metrics) & set(PROTOCOLS[protocol].metrics) and (rows := rows_with(results, protocol, metrics)):
                yield values_sheet(results, protocol, metrics, rows)
                if len(rows) > 1:
                    yield differences_sheet(results, protocol, metrics, names=rows, baseline=baseline)
        for title, columns, note in (("what is shown", EXPOSURE, EXPOSURE_NOTE), ("what it costs", COSTS, COSTS_NOTE)):
            if rows := rows_with(results, protocol, tuple(columns)):
                heading = f"{PROTOCOLS[protocol].title}: {title}"
                yield numbers_sheet(results, protocol, names=rows, columns=columns, title=heading, note=note)


def rows_with(results: Results, protocol: str, metrics: tuple[str, ...]) -> list[str]:
    """Name the rows that have one of the metrics at least."""
    summed = [figures.ERROR_SUMS.get(metric, metric) for metric in metrics]
    return [name for name in results.rows if any(name in results.names(protocol, metric) for metric in summed)]


def title_of(protocol: str, metrics: tuple[str, ...]) -> str:
    """Name a protocol, and what of it a table shows."""
    title = PROTOCOLS[protocol].title
    return f"{title}: predicted ratings" if metrics == RATING else title


def values_sheet(results: Results, protocol: str, metrics: tuple[str, ...], names: list[str]) -> Sheet:
    """Lay out means and standard errors; the best of each column is bold."""
    bests = {metric: figures.best(results, protocol, metric) for metric in metrics}
    rows = [
        (name, [value_cell(results, name, bests[m], protocol=protocol, metric=m) for m in metrics]) for name in names
    ]
    judged = (figures.overall(results, name, protocol, metric) for name in names for metric in metrics)
    num_users = max(len(found.influence) for found in judged if found)
    note = f"Mean ± standard error over {num_users:,} test users; the best is bold."
    return Sheet(title_of(protocol, metrics), note, tuple(LABELS[metric] for metric in metrics), rows)


def value_cell(results: Results, name: str, best: str | None, *, protocol: str, metric: str) -> Cell:
    """Write one figure with its error; bold if it is no worse than the best."""
    found = figures.overall(results, name, protocol, metric)
    winner = figures.overall(results, best, protocol, metric) if best else None
    if found is None:
        return Cell(NOTHING)
    return Cell(f"{share(found.mean)} ± {share(found.error)}", winner is not None and isclose(found.mean, winner.mean))


def differences_sheet(
    results: Results, protocol: str, metrics: tuple[str, ...], *, names: list[str], baseline: str | None
) -> Sheet:
    """Lay out paired differences, each column from its opponent; those that exclude 0 are bold."""
    others = {metric: figures.opponent(results, protocol, metric, baseline) for metric in metrics}
    rows = [
        (name, [difference_cell(results, name, others[m], protocol=protocol, metric=m) for m in metrics])
        for name in names
    ]
    note = "Difference from the row marked 0, on the same users, ± half of the 95 % interval; bold: 0 is not in it."
    title = f"{title_of(protocol, metrics)}, paired differences"
    return Sheet(title, note, tuple(LABELS[metric] for metric in metrics), rows)


def difference_cell(results: Results, name: str, other: str | None, *, protocol: str, metric: str) -> Cell:
    """Write one paired difference."""
    if name == other:
        return Cell("0")
    found = figures.difference(results, name, other, protocol=protocol, metric=metric) if other else None
    if found is None:
        return Cell(NOTHING)
    text = f"{share(found.mean, signed=True)} ± {share((found.high - found.low) / 2)}"
    return Cell(text, found.low > 0 or found.high < 0)


def numbers_sheet(
    results: Results,
    protocol: str,
    *,
    names: list[str],
    columns: dict[str, tuple[str, Write]],
    title: str,
    note: str,
) -> Sheet:
    """Lay out figures that are one number a split, as means over the seeds."""
    rows = []
    for name in names:
        found = [(write, results.number(name, protocol, metric)) for metric, (_, write) in columns.items()]
        rows.append((name, [Cell(NOTHING if number is None else write(number)) for write, number in found]))
    return Sheet(title, note, tuple(label for label, _ in columns.values()), rows)


def share(value: float, *, signed: bool = False) -> str:
    """Write a figure with three decimals, without the 0 before the point."""
    text = f"{value:+.3f}" if signed else f"{value:.3f}"
    return text.replace("0.", ".", 1) if abs(value) < 0.9995 else text


def amount(value: float) -> str:
    """Write an amount: a decimal where it is below 100."""
    return f"{value:,.1f}" if value < 100 else f"{value:,.0f}"
