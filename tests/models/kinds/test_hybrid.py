from itertools import groupby
from typing import Any, cast

import numpy as np
import pytest

from models.checkpoint import Loaded
from models.core.zscore import zscore
from models.evaluation.ranking import evaluate, holdout
from models.fit import Fit, FitOptions
from models.kinds.hybrid import HybridAutoencoder, HybridConfig
from tests.models.helpers import split, tastes

OPTIONS = FitOptions(epochs=6, learning_rate=0.02, batch_size=32, patience=6, seed=3, device="cpu")
TRAIN, VALIDATION = split(tastes())
SMALL = {"configs": {"denoising": {"num_hidden": 8}, "lowrank": {"num_factors": 4}}}


def run(**arguments: Any) -> Fit:
    fit = Fit("hybrid", TRAIN, VALIDATION, OPTIONS, **{"config": SMALL, **arguments})
    for _ in fit:
        pass
    return fit


def blend(fit: Fit) -> HybridAutoencoder:
    return cast("HybridAutoencoder", fit.best)


def test_members_are_fitted_one_after_the_other_and_blended_at_the_end() -> None:
    fit = run()
    assert [stage for stage, _ in groupby(report.stage for report in fit.reports)] == [
        "linear",
        "lowrank",
        "denoising",
        "blend",
    ]
    assert [report.is_best for report in fit.reports] == [False] * (len(fit.reports) - 1) + [True]
    assert all("ndcg@100" in report.metrics for report in fit.reports)
    assert fit.epochs == len(fit.reports)


def test_the_blend_is_the_weighted_sum_of_the_members_standardised_scores_and_of_their_ratings() -> None:
    model = blend(run())
    rows = VALIDATION.rows
    parts = [each.share * zscore(each.model.preference(rows)) for each in model.members]
    np.testing.assert_allclose(model.preference(rows), np.sum(parts, axis=0), atol=1e-5)
    ratings = [each.rating_share * each.model.rating(rows) for each in model.members]
    np.testing.assert_allclose(model.rating(rows), np.sum(ratings, axis=0), atol=1e-5)
    assert sum(each.share for each in model.members) == pytest.approx(1)
    assert sum(each.rating_share for each in model.members) == pytest.approx(1)


def test_the_blend_ranks_the_validation_users_better_than_its_worst_member() -> None:
    fit = run()
    given, targets = holdout(VALIDATION.rows)
    alone = [evaluate(each.model, given, targets, TRAIN.scale) for each in blend(fit).members]
    assert fit.best_report is not None
    together = fit.best_report.metrics["ndcg@10"] + fit.best_report.metrics["ndcg@100"]
    assert together > min(each.mean("ndcg@10") + each.mean("ndcg@100") for each in alone)


def test_a_member_without_a_share_is_neither_kept_nor_stored() -> None:
    model = blend(run())
    assert all(each.share or each.rating_share for each in model.members)
    kinds = [each.model.kind for each in model.members]
    assert list(model.config.members) == list(model.config.configs) == kinds
    assert {name.partition(".")[0] for name in model.tensors()} == {"shares", *kinds}


def test_without_validation_users_every_member_has_the_same_share() -> None:
    fit = Fit("hybrid", TRAIN, VALIDATION.take(np.arange(0)), OPTIONS, config=SMALL)
    for _ in fit:
        pass
    assert {each.share for each in blend(fit).members} == {1 / 3}


def test_members_and_their_hyper_parameters_can_be_chosen() -> None:
    config = {"members": ["lowrank", "basic"], "configs": {"basic": {"num_hidden": 5}, "lowrank": {"num_factors": 3}}}
    fit = run(config=config)
    stages = {report.stage for report in fit.reports}
    assert stages == {"lowrank", "basic", "blend"}
    configs = {each.model.kind: cast("Any", each.model.config) for each in blend(fit).members}
    assert all(
        getattr(configs[kind], name) == value
        for kind, name, value in [("lowrank", "num_factors", 3)]
        if kind in configs
    )
    assert all(config.num_hidden == 5 for kind, config in configs.items() if kind == "basic")


def test_a_warm_start_passes_each_member_its_weights() -> None:
    cold = run()
    still = FitOptions(epochs=1, learning_rate=1e-9, batch_size=32, device="cpu")
    warm = Fit("hybrid", TRAIN, VALIDATION, still, warm=Loaded(cold.best, TRAIN.item_ids, {}))
    for _ in warm:
        pass
    before = {each.model.kind: each.model for each in blend(cold).members}
    for each in blend(warm).members:
        np.testing.assert_allclose(
            zscore(each.model.preference(VALIDATION.rows)),
            zscore(before[each.model.kind].preference(VALIDATION.rows)),
            atol=0.1,
        )


@pytest.mark.parametrize("members", [(), ("linear", "linear"), ("linear", "magic"), ("hybrid",)])
def test_invalid_members_are_refused(members: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="members"):
        HybridConfig(num_items=3, members=members)
