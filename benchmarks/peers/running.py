"""Running one peer in its environment, in a process of its own with one thread."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from benchmarks.peers.catalogue import Peer
from benchmarks.peers.environments import ROOT

ONE_THREAD = {f"{name}_NUM_THREADS": "1" for name in ("OMP", "OPENBLAS", "MKL", "NUMEXPR", "NUMBA", "VECLIB_MAXIMUM")}


def run(peer: Peer, python: Path, task: Path, output: Path, budget_seconds: float) -> None:
    """Let a peer tune itself on a task's files and write its answers.

    Raises:
        CalledProcessError: if it fails; what it printed stands in `log.txt`.
    """
    output.mkdir(parents=True, exist_ok=True)
    command = [str(python), "-m", "benchmarks.peers.methods", peer.module, str(task), str(output), str(budget_seconds)]
    environment = {**os.environ, **ONE_THREAD, "PYTHONPATH": str(ROOT)}
    with (output / "log.txt").open("w", encoding="utf-8") as log:
        subprocess.run(command, check=True, env=environment, stdout=log, stderr=subprocess.STDOUT)
