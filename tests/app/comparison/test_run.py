"""Ctrl-C keeps what is measured so far."""

import contextlib
import json
import os
import signal
from pathlib import Path

from tests.app.comparison.helpers import csv_of, dataset
from tests.processes import fork, wait_until


def test_an_interrupted_comparison_keeps_what_is_measured(tmp_path: Path) -> None:
    (tmp_path / "ratings.csv").write_text(csv_of(dataset()))
    wanted = ["--ratings", "ratings.csv", "--kinds", "linear,denoising", "--seeds", "1", "--output", "out"]
    endless = ["--epochs", "1000000"]
    environment = os.environ | {"PALATE_TRAIN_PATIENCE": "1000000", "OMP_NUM_THREADS": "1"}
    environment["PYTHONPATH"] = str(Path.cwd())
    command = ("compare", *wanted, *endless)
    with (tmp_path / "log").open("wb") as log:
        process = fork(command, environment, stdout=log, stderr=log, folder=tmp_path, is_new_session=True)
    results = tmp_path / "out" / "results.json"
    try:
        wait_until(
            lambda: results.exists() and "linear" in json.loads(results.read_bytes())["rows"],
            "linear is measured",
            seconds=240,
        )
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to the command and to its jobs
        assert process.wait(60) == 130, (tmp_path / "log").read_text()
    finally:
        with contextlib.suppress(ProcessLookupError):  # it would run for ever
            os.killpg(process.pid, signal.SIGKILL)
    assert set(json.loads(results.read_bytes())["rows"]) == {"popularity", "biases", "linear"}
    assert "| `linear` |" in (tmp_path / "out" / "report.md").read_text()
    assert "Traceback" not in (tmp_path / "log").read_text()
