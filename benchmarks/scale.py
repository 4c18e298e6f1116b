"""How time and memory grow with the ratings: `python -m benchmarks.scale --ratings 1000000 10000000 --kind lowrank`.

Every size is made up (`benchmarks.synthetic`) and fitted in a process of its own, so that its peak memory is its own.
By default 100 ratings a user, which `--users` changes; validated on as many users as the service holds out.
"""

from __future__ import annotations

import argparse
import multiprocessing
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.synthetic import Synthetic
from models.core.interactions import Interactions
from models.evaluation.ranking import Popularity, evaluate, holdout
from models.fit import HOLDOUT_SEED, Fit, FitOptions

RATINGS_A_USER = 100
MAX_VALIDATION = 1_000
VALIDATION_SHARE = 0.05


def main() -> None:
    """Measure each size and print the table as it grows."""
    arguments = parse()
    options = FitOptions(epochs=arguments.epochs, device=arguments.device)
    config = dict(pair.split("=") for pair in arguments.config)
    rows = []
    for ratings in arguments.ratings:
        users = arguments.users or ratings // RATINGS_A_USER
        spec = Synthetic(users=users, items=arguments.items, ratings=ratings)
        rows.append(measure_alone(spec, arguments.kind, options, {name: number(text) for name, text in config.items()}))
        Console(width=160).print(table(arguments.kind, rows))


def parse() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scale", description=__doc__)
    parser.add_argument("--ratings", type=int, nargs="+", required=True)
    parser.add_argument("--users", type=int, help="by default the ratings / 100")
    parser.add_argument("--items", type=int, default=100_000)
    parser.add_argument("--kind", default="lowrank")
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--config", nargs="*", default=(), metavar="NAME=NUMBER", help="hyper-parameters")
    parser.add_argument("--device", default="auto", choices=("auto", "cpu", "cuda"))
    return parser.parse_args()


def number(text: str) -> float:
    """Read a number, whole where it is written so."""
    return int(text) if text.isdigit() else float(text)


def measure_alone(spec: Synthetic, kind: str, options: FitOptions, config: dict[str, Any]) -> dict[str, float]:
    """Measure one size in a fresh process."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(measure, spec, kind, options, config).result()


def measure(spec: Synthetic, kind: str, options: FitOptions, config: dict[str, Any]) -> dict[str, float]:
    """Make the ratings, fit, and say what it took."""
    started = time.process_time()
    train, validation = held_out(spec.interactions())
    made, to_make = time.process_time() - started, memory("VmHWM")
    before = memory("VmRSS")
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # the peak starts anew
    started = time.process_time()
    fit = Fit(kind, train, validation, options, config=config)
    first = time.process_time() - started
    ends = [time.process_time() for _ in fit]
    epochs = np.diff([started + first, *ends])
    figures, peak = fit.reports[-1].metrics, memory("VmHWM")
    given, targets = holdout(validation.rows, seed=HOLDOUT_SEED)
    popular = evaluate(Popularity(train), given, targets, train.scale)
    return {
        "ratings": train.rows.num_ratings,
        "users": train.num_users,
        "items": train.num_items,
        "CPU s to make them": made,
        "first epoch": first + epochs[0],
        "a further epoch": float(epochs[1:].mean()) if len(epochs) > 1 else float("nan"),
        "total": ends[-1] - started,
        "peak MiB to make them": to_make,
        "MiB before": before,
        "peak MiB": peak,
        "NDCG@100 of popularity": popular.mean("ndcg@100"),
        "NDCG@100": figures.get("ndcg@100", float("nan")),
        "RMSE": figures.get("rmse", float("nan")),
    }


def memory(name: str) -> float:
    """Read a figure of this process's memory, in MiB. Not ru_maxrss: it begins with the starting process's peak."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.split(f"{name}:")[1].split()[0]) / 1024


def held_out(data: Interactions) -> tuple[Interactions, Interactions]:
    """Hold the last users out: all users are drawn alike."""
    users = np.arange(data.num_users)
    num_validation = min(MAX_VALIDATION, int(data.num_users * VALIDATION_SHARE))
    return data.take(users[:-num_validation]), data.take(users[-num_validation:])


def table(kind: str, rows: list[dict[str, float]]) -> Table:
    """Lay the figures out, a line a size."""
    out = Table(title=f"{kind}, CPU seconds")
    for name in rows[0]:
        out.add_column(name, justify="right")
    for row in rows:
        out.add_row(
            *(f"{value:,.4f}" if name.startswith(("NDCG", "RMSE")) else f"{value:,.0f}" for name, value in row.items())
        )
    return out


if __name__ == "__main__":
    main()
