"""Measure the peers on a file of ratings: `python -m benchmarks.peers --ratings FOLDER --scale MIN MAX STEP`.

The splits, the hidden targets and the evaluator are those that Palate's own kinds are judged by. Each peer runs in an
environment of its own (made on the first run) and tunes itself on the validation users within the same budget of
processor seconds; the test users are scored once. docs/peers.md says more.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from rich.console import Console

from benchmarks.peers import environments, report
from benchmarks.peers.catalogue import PEERS, Peer
from benchmarks.peers.judging import judge_ranking
from benchmarks.peers.report import Measured
from benchmarks.peers.running import run
from benchmarks.peers.tasks import write_ranking
from benchmarks.ratings_file import read_ratings
from models.interactions import Interactions, RatingScale


def main() -> None:
    """Measure what the command line asks for; the JSON grows with every peer that is done."""
    arguments = parse()
    low, high, step = arguments.scale
    like = arguments.like if arguments.like is not None else low + 0.75 * (high - low)
    data = read_ratings(arguments.ratings, RatingScale(minimum=low, maximum=high, step=step, like_threshold=like))
    console, measured = Console(width=200), []
    for peer in chosen(arguments.peers):
        for seed in range(arguments.seeds):
            measured.append(measure(peer, data, seed, arguments.output, arguments.budget))
            report.write(arguments.output / "peers.json", measured, arguments.budget)
            console.print(report.table(measured[-1:], f"{arguments.ratings.name}, split {seed}"))
    console.print(report.table(measured, f"{arguments.ratings.name}, {arguments.seeds} split(s), unseen users"))


def parse() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.peers", description=__doc__)
    parser.add_argument("--ratings", type=Path, required=True, help="MovieLens or MovieTweetings folder, or its file")
    parser.add_argument("--scale", type=float, nargs=3, required=True, metavar=("MIN", "MAX", "STEP"))
    parser.add_argument("--like", type=float, help="least rating that counts as liked; default: 3/4 up the scale")
    parser.add_argument("--seeds", type=int, default=1, help="number of splits")
    parser.add_argument(
        "--budget", type=float, default=300, help="processor seconds to tune each peer in, on each split"
    )
    parser.add_argument("--peers", default=",".join(peer.name for peer in PEERS), help="which, by their names")
    parser.add_argument(
        "--output", type=Path, default=Path("var/peers/results"), help="folder for peers.json and the rest"
    )
    return parser.parse_args()


def chosen(names: str) -> list[Peer]:
    """Look the peers up, in the order named."""
    known = {peer.name: peer for peer in PEERS}
    return [known[name] for name in names.split(",")]


def measure(peer: Peer, data: Interactions, seed: int, folder: Path, budget_seconds: float) -> Measured:
    """Write the files of a split, let the peer answer, judge it."""
    task, output = folder / f"seed-{seed}/{peer.protocol}", folder / f"seed-{seed}/{peer.module}"
    truth = write_ranking(task, data, seed)
    run(peer, environments.make(peer.environment), task.resolve(), output.resolve(), budget_seconds)
    result = json.loads((output / "result.json").read_text(encoding="utf-8"))
    return Measured(peer, seed, judge_ranking(output / "scores.npy", truth), result)


if __name__ == "__main__":
    main()
