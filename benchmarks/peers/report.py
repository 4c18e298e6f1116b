"""What was measured, as JSON that `palate compare --peers` merges."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from app.comparison.dataset import Dataset
from app.comparison.protocols import Split
from benchmarks.peers.catalogue import Peer
from models.evaluation.ranking import PerUser


@dataclass(frozen=True)
class Measured:
    """One peer on one split: its metrics user by user, and what it said of its tuning."""

    peer: Peer
    seed: int
    split: Split
    metrics: dict[str, PerUser]
    result: dict[str, Any]


def write(path: Path, dataset: Dataset, measured: list[Measured], budget_seconds: float) -> None:
    """Write the rows as docs/how-to/compare.md has them, and how each was tuned."""
    found = {"tests": tests(dataset, measured), "rows": rows(measured), "tuning": tuning(measured)}
    document = {"data": dataset.describe(), "budget_seconds": budget_seconds, **found}
    path.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


def tests(dataset: Dataset, measured: list[Measured]) -> dict[str, Any]:
    """Describe the users who were judged, split by split."""
    splits = {(each.peer.protocol, each.seed): each.split for each in measured}
    found: dict[str, Any] = {}
    for (protocol, seed), split in splits.items():
        ids = [dataset.user_ids[user] for user in split.users.tolist()]
        found.setdefault(protocol, []).append({"seed": seed, "users": ids})
    return found


def rows(measured: list[Measured]) -> dict[str, Any]:
    """Return {name: {protocol: {metric: [test users' values, by split]}, "cpu_seconds": [by split]}}."""
    found: dict[str, Any] = {}
    for each in measured:
        row = found.setdefault(each.peer.name, {each.peer.protocol: {}, "cpu_seconds": [], "peak_mib": []})
        for metric, values in each.metrics.items():
            row[each.peer.protocol].setdefault(metric, []).append(plain(values))
        row["cpu_seconds"].append(each.result["best"]["fit_seconds"])
        row["peak_mib"].append(each.result["peak_mib"])
    return found


def plain(values: PerUser) -> list[float | None]:
    """Write an array as JSON has it: null for NaN."""
    return [None if np.isnan(value) else value for value in values.tolist()]


def tuning(measured: list[Measured]) -> dict[str, Any]:
    """Describe how each peer was tuned, split by split."""
    found: dict[str, Any] = {}
    for each in measured:
        best, trials = each.result["best"], each.result["trials"]
        said = {"trials": len(trials), "seconds": each.result["tuning_seconds"]}
        said |= {"validation": best["value"], "params": best["params"]}
        found.setdefault(each.peer.name, []).append({"seed": each.seed, **said})
    return found
