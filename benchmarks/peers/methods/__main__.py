"""Tune one peer on the files of a task and write its answers.

`python -m benchmarks.peers.methods MODULE TASK OUTPUT BUDGET` writes the answers and, last, `result.json`:
what was chosen, and what it took.
"""

from __future__ import annotations

import argparse
import importlib
import json
import resource
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.peers.methods.base import Method
from benchmarks.peers.methods.clock import Clock
from benchmarks.peers.methods.files import TaskFiles
from benchmarks.peers.methods.ranking import RankingTask, Scorer, write_scores
from benchmarks.peers.methods.rating import Predictor, RatingTask
from benchmarks.peers.methods.search import Tuned, tune


def main() -> None:
    """Run what the command line names."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.peers.methods", description=__doc__)
    parser.add_argument("module")
    parser.add_argument("task", type=Path)
    parser.add_argument("output", type=Path)
    parser.add_argument("budget", type=float, help="processor seconds")
    arguments = parser.parse_args()
    method = importlib.import_module(f"benchmarks.peers.methods.{arguments.module}").METHOD
    files = TaskFiles(arguments.task)
    answer = rank if files.meta["protocol"] == "unseen" else predict
    answer(method, files, arguments.output, arguments.budget)


def rank(method: Method[RankingTask, Scorer], files: TaskFiles, output: Path, budget_seconds: float) -> None:
    """Tune on the validation users, then score the test users once: `scores.npy`, float32 (U, I)."""
    task = RankingTask(files)
    tuned = tune(method, task, task.judge, budget_seconds)
    started = time.process_time()
    write_scores(output / "scores.npy", tuned.fitted, task.test)
    write_result(output, tuned, budget_seconds, time.process_time() - started)


def predict(method: Method[RatingTask, Predictor], files: TaskFiles, output: Path, budget_seconds: float) -> None:
    """Tune on the validation ratings, fit on them too, then predict the hidden ones once: `ratings.npy`, (E,)."""
    task = RatingTask(files)
    tuned = tune(method, task, task.judge, budget_seconds)
    started = time.process_time()
    task.take_validation_in()
    predictor = method.fit(task, tuned.best.params, Clock(float("inf")))
    np.save(output / "ratings.npy", task.predicted(predictor, task.test))
    write_result(output, tuned, budget_seconds, time.process_time() - started)


def write_result(output: Path, tuned: Tuned[Any], budget_seconds: float, answer_seconds: float) -> None:
    """Write what was chosen and what it took; a last fit after the tuning counts as part of the answer."""
    result = {
        "budget_seconds": budget_seconds,
        "best": asdict(tuned.best),
        "tuning_seconds": sum(trial.seconds for trial in tuned.trials),
        "answer_seconds": answer_seconds,
        "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "trials": [asdict(trial) for trial in tuned.trials],
    }
    (output / "result.json").write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
