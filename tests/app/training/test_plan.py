import numpy as np
import pytest
from structlog.testing import capture_logs

from app.settings import Settings
from app.training.plan import make_plan
from app.training.queue import Claim
from models.interactions import Interactions
from tests.models.helpers import STARS


@pytest.mark.parametrize(
    ("asked", "num_items", "fitted"),
    [("linear", 20, "linear"), ("linear", 21, "lowrank"), ("denoising", 21, "denoising")],
)
def test_linear_gives_way_to_lowrank_above_the_largest_catalogue_and_says_so(
    asked: str, num_items: int, fitted: str
) -> None:
    settings = Settings(_env_file=None, linear_max_items=20)
    held = Claim(run_id=1, kind=asked, options={}, worker="w", attempt=1)
    items = np.arange(num_items)
    ratings = Interactions.from_arrays(items % 4, items, np.full(num_items, 4.0), [f"{i}" for i in items], STARS)
    with capture_logs() as lines:
        plan = make_plan(held, settings, ratings, (None, 0))
    assert plan.kind == fitted
    said = [line for line in lines if line["event"] == "linear_gives_way"]
    assert [(line["items"], line["linear_max_items"], line["to"]) for line in said] == (
        [(21, 20, "lowrank")] if fitted == "lowrank" else []
    )
