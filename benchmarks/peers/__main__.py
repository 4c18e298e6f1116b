"""Measure the peers on ratings: `python -m benchmarks.peers --ratings FOLDER --scale MIN MAX STEP`.

The splits, the hidden targets and the evaluator are those that Palate's own kinds are judged by. Each peer runs in an
environment of its own (made on the first run) and tunes itself on the validation users within the same budget of
processor seconds; the test users are scored once. docs/explanation/peers.md says more.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from rich.console import Console

from app.comparison.dataset import Dataset
from app.comparison.sources import read_file
from app.settings import Settings
from app.transfer.options import Options
from benchmarks.peers import environments, report
from benchmarks.peers.catalogue import PEERS, Peer
from benchmarks.peers.judging import JUDGES
from benchmarks.peers.report import Measured
from benchmarks.peers.running import run
from benchmarks.peers.tables import tables
from benchmarks.peers.tasks import WRITERS


def main() -> None:
    """Measure what the command line asks for; the JSON grows with every peer that is done."""
    arguments = parse()
    low, high, step = arguments.scale
    settings = Settings(
        _env_file=None, rating_min=low, rating_max=high, rating_step=step, like_threshold=arguments.like
    )
    dataset = read_file(settings, arguments.ratings, Options(), arguments.output / "refused.ndjson")
    console, measured = Console(width=250), []
    for peer in select_peers(arguments.peers):
        for seed in range(arguments.seeds):
            measured.append(measure(peer, dataset, seed, arguments.output, arguments.budget, again=arguments.again))
            report.write(arguments.output / "peers.json", dataset, measured, arguments.budget)
            console.print(*tables(measured[-1:], f"{arguments.ratings.name}, split {seed}"))
    console.print(*tables(measured, f"{arguments.ratings.name}, {arguments.seeds} split(s)"))


def parse() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.peers", description=__doc__)
    parser.add_argument("--ratings", type=Path, required=True, help="what `palate import` takes")
    parser.add_argument("--scale", type=float, nargs=3, required=True, metavar=("MIN", "MAX", "STEP"))
    parser.add_argument("--like", type=float, help="least rating that counts as liked; default: 3/4 up the scale")
    parser.add_argument("--seeds", type=int, default=1, help="number of splits")
    parser.add_argument(
        "--budget", type=float, default=300, help="processor seconds to tune each peer in, on each split"
    )
    parser.add_argument("--again", action="store_true", help="take over nothing of an earlier run")
    parser.add_argument("--peers", default=",".join(peer.name for peer in PEERS), help="which, by their names")
    parser.add_argument(
        "--output", type=Path, default=Path("var/peers/results"), help="folder for peers.json and the rest"
    )
    return parser.parse_args()


def select_peers(names: str) -> list[Peer]:
    """Look the peers up, in the order named.

    Raises:
        SystemExit: if there is none of a name.
    """
    known = {peer.name: peer for peer in PEERS}
    if unknown := [name for name in names.split(",") if name not in known]:
        raise SystemExit(f"--peers {', '.join(unknown)}: choose of {', '.join(known)}")
    return [known[name] for name in names.split(",")]


def measure(
    peer: Peer, dataset: Dataset, seed: int, folder: Path, budget_seconds: float, *, again: bool = False
) -> Measured:
    """Write the files of a split, let the peer answer unless it has within this budget, judge it."""
    task, output = folder / f"seed-{seed}/{peer.protocol}", folder / f"seed-{seed}/{peer.module}"
    split = WRITERS[peer.protocol](task, dataset, seed)
    if again or not has_answered(output, budget_seconds):
        run(peer, environments.make(peer.environment), task.resolve(), output.resolve(), budget_seconds)
    result = json.loads((output / "result.json").read_text(encoding="utf-8"))
    return Measured(peer, seed, split, JUDGES[peer.protocol](output, split), result)


def has_answered(output: Path, budget_seconds: float) -> bool:
    """Return whether a peer's answers are there from an earlier run with the same budget."""
    path = output / "result.json"
    return path.exists() and json.loads(path.read_text(encoding="utf-8"))["budget_seconds"] == budget_seconds


if __name__ == "__main__":
    main()
