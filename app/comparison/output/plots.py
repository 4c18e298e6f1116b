"""The plots of a comparison, as PNG files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator

from app.comparison.job import BIASES, POPULARITY
from app.comparison.output import figures
from app.comparison.output.tables import LABELS
from app.comparison.protocols import PROTOCOLS
from app.comparison.results import Results
from models.fitting.training_loop import EpochReport

DPI = 144
STYLE: Any = {
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.grid": True,
    "grid.color": "#e4e4e4",
    "axes.axisbelow": True,
    "font.size": 9,
    "axes.titlesize": 10,
    "axes.titlelocation": "left",
    "legend.frameon": False,
}
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#7f5539", "#4b4b4b", "#8a2be2", "#b8a900")
WIDE = 300  # from this ratio on there is no room for 2 and 5 between the powers of 10
GREY = "#888888"
MARKERS = "osD^vP*Xphd"  # one more than colours: no pair of both comes twice
EXPOSURE_LABELS = {
    "coverage": "share of the items\nthat are in any list",
    "gini": "Gini of the places in lists\n(0: all items alike)",
    "popularity": "mean share of training users\nwho rated what is shown",
}


def draw(results: Results, folder: Path) -> list[tuple[str, str]]:
    """Draw every plot that has figures; return file name and caption of each."""
    with mpl.rc_context(STYLE):
        files = []
        for name, caption, figure in plots(results):
            figure.savefig(folder / name, dpi=DPI)
            files.append((name, caption))
        return files


def plots(results: Results) -> Iterator[tuple[str, str, Figure]]:
    """Make the plots."""
    for protocol in results.protocols:
        if any(seconds_of(results, name, protocol) for name in results.names(protocol, "ndcg@10")):
            title = f"{PROTOCOLS[protocol].title}: accuracy against training time"
            yield f"accuracy-{protocol}.png", title, accuracy(results, protocol)
    for name in results.epochs:
        protocol = next(iter(results.epochs[name]))
        runs = results.reports(name, protocol)
        if max(map(len, runs)) > 1:
            yield f"epochs-{name}.png", f"Epochs of {name}", epochs(name, protocol, runs)
    for protocol in results.protocols:
        if results.names(protocol, "coverage"):
            yield f"coverage-{protocol}.png", f"{PROTOCOLS[protocol].title}: what is shown", coverage(results, protocol)


def style_of(results: Results, name: str) -> dict[str, Any]:
    """Return the colour and marker of a row, the same in every plot; the baselines are grey."""
    if name in (POPULARITY, BIASES):
        return {"color": GREY, "marker": "."}
    place = [each for each in results.rows if each not in (POPULARITY, BIASES)].index(name)
    return {"color": COLOURS[place % len(COLOURS)], "marker": MARKERS[place % len(MARKERS)]}


def accuracy(results: Results, protocol: str) -> Figure:
    """Plot NDCG against training seconds, with standard errors; what needs no training is a line."""
    figure = Figure(figsize=(9.5, 4.2), layout="constrained")
    left, right = figure.subplots(1, 2)
    ordered = plot_accuracy(left, results, protocol, "ndcg@10")
    plot_accuracy(right, results, protocol, "ndcg@100")
    known = [taken for name in results.rows if (taken := seconds_of(results, name, protocol)) is not None]
    for axes in (left, right):
        lay_out_seconds(axes, known)
    handles, names = left.get_legend_handles_labels()
    by_name = dict(zip(names, handles, strict=True))
    figure.legend([by_name[name] for name in ordered], ordered, loc="outside right center", title="best first")
    return figure


def plot_accuracy(axes: Axes, results: Results, protocol: str, metric: str) -> list[str]:
    """Plot one metric; return the rows, best first."""
    names = results.names(protocol, metric)
    found = {name: each for name in names if (each := figures.overall(results, name, protocol, metric))}
    seconds = {name: taken for name in found if (taken := seconds_of(results, name, protocol)) is not None}
    for name, each in found.items():
        style = style_of(results, name)
        if name in seconds:
            axes.errorbar(seconds[name], each.mean, each.error, label=name, linestyle="", capsize=2, **style)
        else:
            axes.axhline(each.mean, color=style["color"], linestyle="--", linewidth=1.2, label=name)
    axes.set_title(LABELS[metric])
    return sorted(found, key=lambda name: -found[name].mean)


def seconds_of(results: Results, name: str, protocol: str) -> float | None:
    """Return how long training took; processor time where no other is known."""
    seconds = results.number(name, protocol, "seconds")
    return seconds if seconds is not None else results.number(name, protocol, "cpu_seconds")


def lay_out_seconds(axes: Axes, seconds: Sequence[float]) -> None:
    """Make the horizontal axis one of training times: 1, 2, 5, 10 ... or 1, 10, 100 ... on a scale of ratios."""
    axes.set_xscale("log")
    axes.set_xlim(min(seconds) / 1.6, max(seconds) * 1.6)
    axes.set_xlabel("seconds of training, validation included")
    is_wide = max(seconds) > WIDE * min(seconds)
    axes.xaxis.set_major_locator(LogLocator(subs=(1,) if is_wide else (1, 2, 5)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.xaxis.set_minor_locator(NullLocator())


def epochs(name: str, protocol: str, runs: Sequence[Sequence[EpochReport]]) -> Figure:
    """Plot loss, if there is one, and validation of each epoch, one line a seed; each stage has a colour."""
    stages = list(dict.fromkeys(report.stage for reports in runs for report in reports))
    has_loss = any(report.loss is not None for reports in runs for report in reports)
    figure = Figure(figsize=(9.5 if has_loss else 5.2, 3.6), layout="constrained")
    panels = figure.subplots(1, 1 + has_loss, squeeze=False, sharex=True)[0]
    if has_loss:
        plot_losses(panels[0], runs, stages)
    plot_validation(panels[-1], protocol, runs, stages)
    panels[0].set_title(f"{name}: {panels[0].get_title('left')}", loc="left")
    for axes in panels:
        axes.set_xlabel("epoch")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    return figure


def plot_losses(axes: Axes, runs: Sequence[Sequence[EpochReport]], stages: Sequence[str]) -> None:
    """Plot the losses; of several stages each from 1 on, as each has a loss of its own."""
    with_loss = [stage for stage in stages if any(r.loss is not None for run in runs for r in run if r.stage == stage)]
    for run in runs:
        for stage in with_loss:
            losses = [
                (report.epoch, report.loss) for report in run if report.stage == stage and report.loss is not None
            ]
            first = losses[0][1] if len(with_loss) > 1 and losses and losses[0][1] else 1.0
            plot_line(axes, [(epoch, loss / first) for epoch, loss in losses], stages.index(stage))
    axes.set_title("loss" + (", the first of its stage being 1" if len(with_loss) > 1 else ""), loc="left")
    name_lines(axes, {stages.index(stage): stage for stage in with_loss} if len(stages) > 1 else {})


def plot_validation(axes: Axes, protocol: str, runs: Sequence[Sequence[EpochReport]], stages: Sequence[str]) -> None:
    """Plot the validation metrics of one stage, or that of several stages which chooses the epoch; mark the choice."""
    ranked: list[str] = [metric for metric in ("ndcg@10", "ndcg@100") if metric in PROTOCOLS[protocol].metrics]
    chooses = PROTOCOLS[protocol].selected_by
    metrics = (ranked if len(stages) == 1 else []) or [chooses]
    files: dict[int, tuple[str, str]] = {}
    for run in runs:
        kept = next((report for report in reversed(run) if report.is_best), None)
        for place, (metric, stage) in enumerate(product(metrics, stages)):
            judged = [report for report in run if report.stage == stage and metric in report.metrics]
            plot_line(axes, [(report.epoch, report.metrics[metric]) for report in judged], place)
            files |= {place: (metric, stage)} if judged else {}
            if kept is not None and kept in judged:
                axes.plot(kept.epoch, kept.metrics[metric], "o", color=COLOURS[place % len(COLOURS)], markersize=5)
    which = "" if len(metrics) > 1 else f" {LABELS[chooses]}"
    axes.set_title(f"validation{which}; a dot is the epoch that is kept", loc="left")
    name_lines(axes, {place: stage if len(stages) > 1 else LABELS[metric] for place, (metric, stage) in files.items()})


def plot_line(axes: Axes, points: Sequence[tuple[int, float]], place: int) -> None:
    """Plot figures by epoch, a single one as a point."""
    marker = "." if len(points) == 1 else ""
    colour = COLOURS[place % len(COLOURS)]
    axes.plot([epoch for epoch, _ in points], [y for _, y in points], color=colour, linewidth=1.2, marker=marker)


def name_lines(axes: Axes, names: Mapping[int, str]) -> None:
    """Name the colours."""
    for place, name in names.items():
        axes.plot([], [], color=COLOURS[place % len(COLOURS)], label=name)
    if names:
        axes.legend()


def coverage(results: Results, protocol: str) -> Figure:
    """Plot what the lists show: coverage, Gini, popularity; one bar a row."""
    names = results.names(protocol, "coverage")[::-1]
    figure = Figure(figsize=(9.5, 1.4 + 0.3 * len(names)), layout="constrained")
    for axes, (metric, label) in zip(
        figure.subplots(1, len(EXPOSURE_LABELS), sharey=True), EXPOSURE_LABELS.items(), strict=True
    ):
        values = [results.number(name, protocol, metric) or 0.0 for name in names]
        colours = [style_of(results, name)["color"] for name in names]
        bars = axes.barh(names, values, color=colours, height=0.65)
        axes.bar_label(bars, [f"{value:.3f}" for value in values], padding=3, fontsize=8)
        axes.set_xlabel(label)
        axes.set_xlim(0, max(1e-3, *values) * 1.3)
        axes.xaxis.set_major_locator(MaxNLocator(4))
        axes.set_xticks([tick for tick in axes.get_xticks() if tick <= 1])
        axes.grid(visible=False, axis="y")
        axes.margins(y=0.03)
    return figure
