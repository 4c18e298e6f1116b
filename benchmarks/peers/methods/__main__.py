"""Tune one peer on the files of a task and write its answers.

`python -m benchmarks.peers.methods MODULE TASK OUTPUT BUDGET` writes `scores.npy`, float32 (U, I) of the test users,
and `result.json`: what was chosen, and what it took.
"""

from __future__ import annotations

import argparse
import importlib
import json
import resource
import time
from dataclasses import asdict
from pathlib import Path

from benchmarks.peers.methods.base import Method
from benchmarks.peers.methods.files import TaskFiles
from benchmarks.peers.methods.ranking import RankingTask, Scorer, write_scores
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
    rank(method, TaskFiles(arguments.task), arguments.output, arguments.budget)


def rank(method: Method[RankingTask, Scorer], files: TaskFiles, output: Path, budget_seconds: float) -> None:
    """Tune on the validation users, then score the test users once."""
    task = RankingTask(files)
    tuned = tune(method, task, task.judge, budget_seconds)
    started = time.process_time()
    write_scores(output / "scores.npy", tuned.fitted, task.test)
    write_result(output, tuned, time.process_time() - started)


def write_result(output: Path, tuned: Tuned[Scorer], answer_seconds: float) -> None:
    """Say what was chosen and what it took."""
    result = {
        "best": asdict(tuned.best),
        "tuning_seconds": sum(trial.seconds for trial in tuned.trials),
        "answer_seconds": answer_seconds,
        "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "trials": [asdict(trial) for trial in tuned.trials],
    }
    (output / "result.json").write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
