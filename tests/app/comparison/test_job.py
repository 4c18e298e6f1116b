"""One job: judged by its protocol, and only on whom it is asked to judge."""

import numpy as np
import pytest

from app.comparison.job import BIASES, POPULARITY, Job, measure
from app.comparison.protocols import PROTOCOLS, RANKING
from models.evaluation.ranking import rating_error
from models.fit import Fit
from models.fitting.training_loop import EpochReport
from tests.app.comparison.helpers import OPTIONS, dataset

ERRORS = {"squared_error", "absolute_error"}


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_every_protocol_judges_its_metrics_for_every_test_user(protocol: str) -> None:
    heard: list[EpochReport] = []
    measured = measure(Job("linear", protocol, 0, OPTIONS, {"regularisation": 10.0}), dataset(), heard.append)
    split = PROTOCOLS[protocol].split(dataset(), 0)
    wanted = set(RANKING) & set(PROTOCOLS[protocol].metrics)
    assert set(measured.per_user) == wanted | ERRORS
    assert all(len(values) == len(split.users) for values in measured.per_user.values())
    assert [report.epoch for report in heard] == [1]
    for metric in wanted:
        liked = split.targets.where(split.targets.values >= 4).counts > 0
        np.testing.assert_array_equal(~np.isnan(measured.per_user[metric]), liked)


def test_errors_are_those_of_the_evaluator() -> None:
    split = PROTOCOLS["ratings"].split(dataset(), 0)
    job = Job("linear", "ratings", 0, OPTIONS, {"regularisation": 10.0})
    measured = measure(job, dataset(), lambda _: None)
    fit = Fit("linear", split.train, split.validation, OPTIONS, config=job.config)
    for _ in fit:
        pass
    error = rating_error(fit.best, split.given, split.targets)
    squared, absolute = measured.per_user["squared_error"].sum(), measured.per_user["absolute_error"].sum()
    assert np.sqrt(squared / error.num_ratings) == pytest.approx(error.rmse)
    assert absolute / error.num_ratings == pytest.approx(error.mae)


def test_the_baselines_are_judged_on_what_they_know() -> None:
    popularity, biases = (measure(Job(name, "unseen", 0, OPTIONS), dataset(), print) for name in (POPULARITY, BIASES))
    assert set(popularity.per_user) == set(RANKING)
    assert set(biases.per_user) == ERRORS
    assert popularity.figures["coverage"] > 0


def test_a_seed_is_that_of_the_fit_too() -> None:
    jobs = [Job("denoising", "unseen", seed, OPTIONS, {"num_hidden": 4}) for seed in (0, 0, 1)]
    one, same, other = (measure(job, dataset(), lambda _: None).reports[0].loss for job in jobs)
    assert one == same
    assert one != other
