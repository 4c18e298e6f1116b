from dataclasses import replace

import numpy as np
import pytest
from structlog.testing import capture_logs

from app.settings import Settings
from app.training.auto import FITTED
from app.training.queue import Claim
from app.training.run.plan import Live, found_before, make_plan
from models.checkpoint import Loaded
from models.core.interactions import Interactions
from models.fit import Fit, FitOptions
from tests.models.helpers import STARS, tastes


@pytest.mark.parametrize(
    ("asked", "num_items", "fitted"),
    [("linear", 20, "linear"), ("linear", 21, "lowrank"), ("denoising", 21, "denoising")],
)
def test_linear_gives_way_to_lowrank_above_the_largest_catalogue_and_says_so(
    asked: str, num_items: int, fitted: str
) -> None:
    settings = Settings(_env_file=None, linear_max_items=20)
    claim = Claim(run_id=1, kind=asked, options={}, worker="w", attempt=1)
    items = np.arange(num_items)
    ratings = Interactions.from_arrays(items % 4, items, np.full(num_items, 4.0), [f"{i}" for i in items], scale=STARS)
    with capture_logs() as lines:
        plan = make_plan(claim, settings, ratings, (None, 0))
    assert plan.kind == fitted
    warnings = [line for line in lines if line["event"] == "linear_gives_way"]
    assert [(line["items"], line["linear_max_items"], line["to"]) for line in warnings] == (
        [(21, 20, "lowrank")] if fitted == "lowrank" else []
    )


@pytest.mark.parametrize("kind", ["linear", "denoising", "auto"])
def test_nothing_is_taken_over_from_a_version_that_holds_a_user_who_was_erased(kind: str) -> None:
    settings, ratings = Settings(_env_file=None), tastes(num_items=30)
    claim = Claim(run_id=1, kind=kind, options={}, worker="w", attempt=1)
    fit = Fit(FITTED if kind == "auto" else kind, ratings, ratings.take(np.arange(0)), FitOptions(epochs=1))
    list(fit)
    manifest = {"split": {}, "num_ratings": ratings.rows.num_ratings}
    live = Live("one", fit.kind, Loaded(fit.best, ratings.item_ids, manifest))

    taken_over = make_plan(claim, settings, ratings, (live, 1))
    cold = make_plan(claim, settings, ratings, (replace(live, holds_erased=True), 1))

    assert taken_over.start in {"warm from one", "hyper-parameters of one"}
    assert cold.start == "cold, because one holds a user who was erased"
    assert cold.warm is None
    assert set(cold.carried) <= {"members"}  # which kinds are blended, not how
    assert found_before(cold.live) == {}
    assert cold.live is not None
    assert cold.live.loaded is live.loaded  # the gate compares with it all the same
    assert cold.searches == (kind == "auto")
