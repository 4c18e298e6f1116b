"""Jobs in processes of their own."""

import multiprocessing
from pathlib import Path

import numpy as np
import pytest

from app.comparison.job import Job, measure
from app.comparison.process import JobFailed, measure_alone
from models.fitting.training_loop import EpochReport
from tests.app.comparison.helpers import OPTIONS, dataset

JOB = Job("denoising", "unseen", 0, OPTIONS, {"num_hidden": 4})


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    dataset().save(tmp_path / "ratings.npz")
    return tmp_path / "ratings.npz"


def test_a_job_alone_comes_to_the_same_as_here(saved: Path) -> None:
    heard: list[EpochReport] = []
    alone, here = measure_alone(JOB, saved, heard.append), measure(JOB, dataset(), lambda _: None)
    assert [report.epoch for report in heard] == [1, 2, 3]
    assert alone.per_user.keys() == here.per_user.keys()
    for metric, values in here.per_user.items():
        np.testing.assert_allclose(alone.per_user[metric], values, rtol=1e-5)
    assert alone.figures["peak_mib"] >= alone.figures["mib_before"] > 0


def test_a_process_that_dies_fails_its_job_and_leaves_nothing_behind(saved: Path) -> None:
    def kill(_: EpochReport) -> None:
        for child in multiprocessing.active_children():
            child.kill()

    with pytest.raises(JobFailed, match="its process ended with status -9; was there enough memory"):
        measure_alone(JOB, saved, kill)
    assert multiprocessing.active_children() == []


def test_what_the_caller_raises_ends_the_process(saved: Path) -> None:
    def interrupt(_: EpochReport) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        measure_alone(JOB, saved, interrupt)
    assert multiprocessing.active_children() == []
