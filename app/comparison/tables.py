"""The tables of a comparison, the same for the terminal and for Markdown."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from app.comparison import figures
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
BESIDE: dict[str, Callable[[float], str]] = {
    "coverage": lambda value: share(value),
    "gini": lambda value: share(value),
    "popularity": lambda value: share(value),
    "seconds": lambda value: amount(value),
    "cpu_seconds": lambda value: amount(value),
    "peak_mib": lambda value: f"{value:,.0f}",
    "model_bytes": lambda value: f"{value:,.0f}",
    "score_us": lambda value: f"{value:,.0f}",
}
BESIDE_LABELS = ("coverage", "Gini", "popularity", "train s", "CPU s", "peak MiB", "model bytes", "µs/user", "epochs")
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
    for place, (protocol, about) in enumerate((each, PROTOCOLS[each]) for each in results.protocols):
        for metrics in (RANKING, RATING):
            if set(metrics) & set(about.metrics) and (rows := measured(results, protocol, metrics)):
                yield values_sheet(results, protocol, metrics, rows)
                if len(rows) > 1:
                    yield differences_sheet(results, protocol, metrics, rows, baseline)
        if place == 0 and (names := measured(results, protocol, tuple(BESIDE))):
            yield beside_sheet(results, protocol, names)


def measured(results: Results, protocol: str, metrics: tuple[str, ...]) -> list[str]:
    """Name the rows that have one of the metrics at least."""
    summed = [figures.SUMMED.get(metric, metric) for metric in metrics]
    return [name for name in results.rows if any(name in results.names(protocol, metric) for metric in summed)]


def title_of(protocol: str, metrics: tuple[str, ...]) -> str:
    """Name a protocol, and what of it a table shows."""
    title = PROTOCOLS[protocol].title
    return f"{title}: predicted ratings" if metrics == RATING else title


def values_sheet(results: Results, protocol: str, metrics: tuple[str, ...], names: list[str]) -> Sheet:
    """Lay out means and standard errors; the best of each column is bold."""
    bests = {metric: figures.best(results, protocol, metric) for metric in metrics}
    rows = [(name, [value_cell(results, name, protocol, m, bests[m] == name) for m in metrics]) for name in names]
    judged = (figures.overall(results, name, protocol, metric) for name in names for metric in metrics)
    num_users = max(len(found.pull) for found in judged if found)
    note = f"Mean ± standard error over {num_users:,} test users; the best is bold."
    return Sheet(title_of(protocol, metrics), note, tuple(LABELS[metric] for metric in metrics), rows)


def value_cell(results: Results, name: str, protocol: str, metric: str, is_best: bool) -> Cell:
    """Write one figure with its error."""
    found = figures.overall(results, name, protocol, metric)
    return Cell(f"{share(found.mean)} ± {share(found.error)}", is_best) if found else Cell(NOTHING)


def differences_sheet(
    results: Results, protocol: str, metrics: tuple[str, ...], names: list[str], baseline: str | None
) -> Sheet:
    """Lay out paired differences, each column from its opponent; those that exclude 0 are bold."""
    others = {metric: figures.opponent(results, protocol, metric, baseline) for metric in metrics}
    rows = [(name, [difference_cell(results, name, others[m], protocol, m) for m in metrics]) for name in names]
    note = "Difference from the row marked 0, on the same users, ± half of the 95 % interval; bold: 0 is not in it."
    title = f"{title_of(protocol, metrics)}, paired differences"
    return Sheet(title, note, tuple(LABELS[metric] for metric in metrics), rows)


def difference_cell(results: Results, name: str, other: str | None, protocol: str, metric: str) -> Cell:
    """Write one paired difference."""
    if name == other:
        return Cell("0")
    found = figures.difference(results, name, other, protocol, metric) if other else None
    if found is None:
        return Cell(NOTHING)
    text = f"{share(found.mean, signed=True)} ± {share((found.high - found.low) / 2)}"
    return Cell(text, found.low > 0 or found.high < 0)


def beside_sheet(results: Results, protocol: str, names: list[str]) -> Sheet:
    """Lay out what the lists show and what the fit costs, means over the seeds."""
    rows = []
    for name in names:
        numbers = [(write, results.number(name, protocol, metric)) for metric, write in BESIDE.items()]
        cells = [Cell(NOTHING if number is None else write(number)) for write, number in numbers]
        epochs = [len(reports) for reports in results.reports(name, protocol)]
        rows.append((name, [*cells, Cell(f"{sum(epochs) / len(epochs):.0f}" if epochs else NOTHING)]))
    note = (
        "Lists of 10 for the test users: share of the items shown, Gini of their places, mean share of training users"
        " who rated what is shown. Training with validation; scores of one user at a time."
    )
    return Sheet("Beside accuracy", note, BESIDE_LABELS, rows)


def share(value: float, *, signed: bool = False) -> str:
    """Write a figure with three decimals, without the 0 before the point."""
    text = f"{value:+.3f}" if signed else f"{value:.3f}"
    return text.replace("0.", ".", 1) if abs(value) < 0.9995 else text


def amount(value: float) -> str:
    """Write seconds: more decimals the fewer there are."""
    return f"{value:,.1f}" if value < 100 else f"{value:,.0f}"
