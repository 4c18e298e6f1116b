"""Figures of every kind of model on a file of ratings: `python -m benchmarks.models --ratings FOLDER_OR_FILE`.

Users are split once a seed: to train on, to validate on, and unseen until the end. 80 % of an unseen user's ratings go
in, the liked ones of the rest are the targets, every item but those given is ranked. Each kind runs in a process of its
own, so that its peak memory is its own.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import resource
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.ratings_file import read_ratings
from models.evaluate import Popularity, evaluate, holdout, mean_and_error, rating_error
from models.fit import Fit, FitOptions
from models.interactions import Interactions, RatingScale
from models.split import hide_tenth, split_users

METRICS = ("ndcg@10", "ndcg@100", "recall@20", "recall@50")


@dataclass(frozen=True)
class Job:
    """One kind on one split."""

    ratings: Path
    scale: RatingScale
    kind: str
    seed: int
    options: FitOptions


def main() -> None:
    """Measure the kinds asked for and print the table."""
    arguments = parse()
    low, high, step = arguments.scale
    like = arguments.like if arguments.like is not None else low + 0.75 * (high - low)
    scale = RatingScale(minimum=low, maximum=high, step=step, like_threshold=like)
    options = FitOptions(epochs=arguments.epochs, batch_size=arguments.batch_size, device=arguments.device)
    results = {}
    for kind in arguments.kinds.split(","):
        jobs = [Job(arguments.ratings, scale, kind, seed, options) for seed in range(arguments.seeds)]
        results[kind] = pooled([measure_alone(job) for job in jobs])
        if arguments.json:
            arguments.json.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
    Console(width=160).print(table(results, f"{arguments.ratings.name}, {arguments.seeds} split(s), unseen users"))


def parse() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.models", description=__doc__)
    parser.add_argument("--ratings", type=Path, required=True, help="MovieLens or MovieTweetings folder, or its file")
    parser.add_argument("--kinds", default="popularity,linear,denoising")
    parser.add_argument("--seeds", type=int, default=1, help="number of splits")
    parser.add_argument("--scale", type=float, nargs=3, default=(1, 5, 1), metavar=("MIN", "MAX", "STEP"))
    parser.add_argument("--like", type=float, help="least rating that counts as liked; default: 3/4 up the scale")
    parser.add_argument("--epochs", type=int, default=50)
    parser.add_argument("--batch-size", type=int, default=256)
    parser.add_argument("--device", default="auto", choices=("auto", "cpu", "cuda"))
    parser.add_argument("--json", type=Path, help="where to write the figures")
    return parser.parse_args()


def measure_alone(job: Job) -> dict[str, list[float]]:
    """Measure one job in a fresh process."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(measure, job).result()


def measure(job: Job) -> dict[str, list[float]]:
    """Fit one kind and judge it on unseen users, and its ratings on a random tenth of everybody's too."""
    data = read_ratings(job.ratings, job.scale)
    train, validation, test = split_users(data, job.seed)
    given, targets = holdout(test.rows, seed=job.seed + 1)
    before, started, used = peak_memory(), time.perf_counter(), time.process_time()
    if job.kind == "popularity":
        judged = evaluate(Popularity(train), given, targets, job.scale)
        return {**{name: list(judged.metrics[name]) for name in METRICS}, "seconds": [time.perf_counter() - started]}
    fit = fitted(job, train, validation)
    seconds, used = time.perf_counter() - started, time.process_time() - used
    memory = peak_memory()
    judged = evaluate(fit.best, given, targets, job.scale)
    return {
        **{name: list(judged.metrics[name]) for name in METRICS},
        "rmse unseen": [rating_error(fit.best, given, targets).rmse],
        "rmse 90/10": [rmse_of_seen_users(job, data)],
        "epochs": [float(len(fit.reports))],
        "seconds": [seconds],
        "CPU seconds": [used],
        "peak MiB": [memory],
        "MiB before": [before],
        "model MiB": [sum(tensor.nbytes for tensor in fit.best.tensors().values()) / 2**20],
    }


def fitted(job: Job, train: Interactions, validation: Interactions) -> Fit:
    """Run a fit to its end."""
    fit = Fit(job.kind, train, validation, job.options)
    for _ in fit:
        pass
    return fit


def rmse_of_seen_users(job: Job, data: Interactions) -> float:
    """Hide a random tenth of all ratings, fit on the rest, and predict them from what is left of the same users."""
    shown, hidden = hide_tenth(data, job.seed)
    train, validation, _ = split_users(shown, job.seed, test_share=0.0)
    return rating_error(fitted(job, train, validation).best, shown.rows, hidden).rmse


def peak_memory() -> float:
    """Most memory this process has held, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def pooled(runs: list[dict[str, list[float]]]) -> dict[str, tuple[float, float]]:
    """Join the splits: mean and standard error over all judged users, or over the splits."""
    return {name: mean_and_error(np.concatenate([run[name] for run in runs])) for name in runs[0]}


def table(results: dict[str, dict[str, tuple[float, float]]], title: str) -> Table:
    """Lay the figures out."""
    out = Table(title=title)
    out.add_column("kind")
    names = list(dict.fromkeys(name for figures in results.values() for name in figures))
    for name in names:
        out.add_column(name, justify="right")
    for kind, figures in results.items():
        out.add_row(kind, *(cell(name, figures.get(name)) for name in names))
    return out


def cell(name: str, figure: tuple[float, float] | None) -> str:
    """Format one figure, metrics with their standard error."""
    if figure is None:
        return "-"
    if name in METRICS:
        return f"{figure[0]:.4f} ± {figure[1]:.4f}"
    return f"{figure[0]:.4f}" if name.startswith("rmse") else f"{figure[0]:,.1f}"


if __name__ == "__main__":
    main()
